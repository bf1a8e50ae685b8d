import { RecordError } from '../fields.ts';

/** A line that broke off in the middle, when it is the last. */
export class BrokenLine extends RecordError {}

/** What no other line can be read with either: reading ends with it, however many unusable lines are allowed. */
export class MappingError extends RecordError {}

/** The fields of one line. */
export interface LineFields {
  /** The text of a field, or undefined where the line has none. Throws RecordError for one that cannot be read. */
  textOf(field: string): string | undefined;
  /** The fields that there are, for a message. */
  names(): readonly string[];
}

/** How the lines of one file are read; undefined for a line that has no request. Throws RecordError. */
export interface LineFormat {
  read(line: string): LineFields | undefined;
  /** At the end of the file: throws BrokenLine where a record goes on. */
  end?(): void;
}
