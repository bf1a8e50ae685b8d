import { RecordError } from '../records/fields.ts';

/** An error that means an incomplete line if the line is the last. */
export class BrokenLine extends RecordError {}

/** An error that affects every line: reading stops, also if unusable lines are allowed. */
export class MappingError extends RecordError {}

/** The fields of one line. */
export interface LineFields {
  /** The text of a field; undefined if the line has none. Throws RecordError if it cannot be read. */
  textOf(field: string): string | undefined;
  /** The names of the fields, for a message. */
  names(): readonly string[];
  /** The headers of the reply, if the format has them: name, value, name, value. */
  replyHeaders?(): readonly string[];
}

/** Reads the lines of one file; `read` gives undefined for a line without a request. Throws RecordError. */
export interface LineFormat {
  read(line: string): LineFields | undefined;
  /** At the end of the file: throws BrokenLine if a record is incomplete. */
  end?(): void;
}
