import { OpenclawError } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { printable } from '../../core/printable.ts';
import { HistoryBuilder } from '../columns/builder.ts';
import type { History, LogReading } from '../history.ts';
import { RecordError } from '../records/fields.ts';
import type { Header, Operation } from '../records/operation.ts';
import { LineSplitter, MAX_LINE_BYTES } from '../scan/lines.ts';
import { FOREIGN_FORMATS, type ForeignFormat, fieldsOf, TIMED_FORMATS } from './formats/formats.ts';
import { guessFormat } from './guess.ts';
import { KeyFields } from './key-fields.ts';
import { BrokenLine, type LineFields, type LineFormat, MappingError } from './lines.ts';
import {
  bucketOf,
  type Mapping,
  makeOperation,
  UNPLACED,
  unitPowerOf,
  unplacedOperation,
} from './mapping.ts';
import { decodeBytes } from './names.ts';
import { assumedOfLog, notesOfLog, problemsOfLog } from './notes.ts';
import { StatedFields } from './stated-fields.ts';
import { UnusableLines } from './unusable.ts';

/**
 * Reads foreign logs line by line, with the interface of `HistoryReader`. It treats as unknown what such a log does not
 * contain: levels at its start, requests that were open at its end, and unreadable lines.
 */
export class ForeignReader {
  readonly #builder = new HistoryBuilder();
  readonly #mapping: Mapping;
  readonly #limit: Pick<Header, 'policy' | 'promise'>;
  readonly #format: ForeignFormat;
  readonly unusable = new UnusableLines();
  readonly #keyFields: KeyFields;
  readonly #stated: StatedFields;
  #unitPower: number | undefined;
  #lineFormat: LineFormat | undefined;
  #lines: LineSplitter | undefined;
  #file = '';
  #line = 0;
  #read = 0;
  #usable = 0;
  #firstLine = '';
  /** The fields of the first line that has no key. */
  #names: readonly string[] = [];
  #skippedInFile = 0;
  #truncatedLine: number | undefined;
  /** The number of lines without a key; they have no bucket. */
  skipped = 0;

  constructor(format: ForeignFormat, mapping: Mapping, limit: Pick<Header, 'policy' | 'promise'>) {
    this.#format = format;
    this.#mapping = mapping;
    this.#limit = limit;
    this.#keyFields = new KeyFields(fieldsOf(mapping));
    this.#stated = new StatedFields(mapping.stated);
  }

  get operations(): number {
    return this.#builder.operations;
  }

  startFile(name: string): void {
    this.#file = name;
    this.#line = 0;
    this.#read = 0;
    this.#usable = 0;
    this.#firstLine = '';
    this.#names = [];
    this.#skippedInFile = 0;
    this.#truncatedLine = undefined;
    this.unusable.startFile();
    this.#lineFormat = FOREIGN_FORMATS[this.#format](fieldsOf(this.#mapping));
    this.#builder.startFile(name, { isRotated: true });
    this.#builder.add({
      type: 'header',
      format: 'openclaw-history',
      version: 1,
      ...this.#limit,
      strategy: this.#format,
      scenario: '',
      seed: 0,
      regions: [],
      startedAt: '',
      initial: 'unknown',
    });
    this.#lines = new LineSplitter(
      (bytes, start, end, terminated) => this.#readLine(decodeBytes(bytes.subarray(start, end)), terminated),
      () => {
        this.#line++;
        throw this.#error(TOO_LONG);
      },
    );
  }

  push(chunk: Uint8Array): void {
    this.#lines?.push(chunk);
  }

  endFile(truncated = false): void {
    if (!truncated) {
      this.#lines?.end();
      this.#endRecord();
    }
    this.#line = Math.max(1, this.#line);
    this.#refuseUnusable();
    if (this.#usable === 0) throw this.#error(this.#whyEmpty());
    if (truncated) this.#truncatedLine = this.#line + 1;
    if (this.#truncatedLine === undefined)
      this.#builder.add({ type: 'end', atUs: 0, sent: this.#read + this.unusable.unseenInFile });
    this.#builder.endFile(this.#truncatedLine);
  }

  finish(): History {
    const history = this.#builder.build();
    if (this.unusable.count > 0) placeAtStart(history.operations.invokedUs);
    return history;
  }

  #readLine(line: string, terminated: boolean): void {
    this.#line++;
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text === '') return;
    if (this.#firstLine === '') this.#firstLine = text;
    const mayBeCut = !terminated && this.#line > 1;
    if (mayBeCut && !isWhole(text)) {
      this.#truncatedLine = this.#line;
      return;
    }
    try {
      const fields = this.#lineFormat?.read(text);
      if (fields !== undefined) this.#readFields(fields, mayBeCut);
    } catch (error) {
      const isCut =
        mayBeCut && (error instanceof MappingError ? this.#read > 0 : error instanceof RecordError);
      if (isCut) this.#truncatedLine = this.#line;
      else this.#leaveOut(error, { isSeen: false });
    }
  }

  /** A last line that may be incomplete throws its error: it does not count as unreadable. */
  #readFields(fields: LineFields, mayBeCut: boolean): void {
    const bucket = bucketOf(fields, this.#mapping);
    if (bucket === undefined) {
      this.skipped++;
      this.#skippedInFile++;
      this.unusable.addLine();
      if (this.#names.length === 0) this.#names = fields.names();
      return;
    }
    const name = { index: this.#line, bucket, stated: this.#stated };
    let operation: Operation;
    try {
      operation = makeOperation(fields, this.#mapping, name);
      if (this.#read === 0) this.#unitPower = unitPowerOf(fields, this.#mapping);
      this.#keyFields.add(fields);
      this.unusable.addLine();
    } catch (error) {
      if (mayBeCut) throw error;
      this.#leaveOut(error, { isSeen: true });
      operation = unplacedOperation(fields, this.#mapping, name);
    }
    this.#add(operation);
  }

  /** An error of the table concerns all lines, for example a wrong field for the region. */
  #add(operation: Operation): void {
    try {
      this.#builder.add(operation);
    } catch (error) {
      throw error instanceof RecordError ? new MappingError(error.message) : error;
    }
    this.#read++;
    if (operation.invokedUs !== UNPLACED) this.#usable++;
  }

  /** The assumptions of a verdict on this log. */
  assumed(history: History): string[] {
    return assumedOfLog(history, { mapping: this.#mapping, unusable: this.unusable, skipped: this.skipped });
  }

  /** Why this log cannot prove anything. */
  problems(history: History): string[] {
    return problemsOfLog(history, this.#mapping);
  }

  /** Notes for the reader of the verdict. */
  notes(): string[] {
    return notesOfLog(this.#mapping, this.#stated.guessed());
  }

  /** How it was read, as far as that may be wrong. */
  reading(): LogReading {
    const { key } = this.#mapping;
    const unitPower = Object.hasOwn(TIMED_FORMATS, this.#format) ? undefined : this.#unitPower;
    return { ...given({ key, unitPower }), otherKeys: this.#keyFields.names() };
  }

  /** Counts an unreadable line. Throws if the error affects every line. */
  #leaveOut(error: unknown, { isSeen }: { isSeen: boolean }): void {
    if (!(error instanceof RecordError)) throw error;
    if (error instanceof MappingError) throw this.#error(error.message);
    if (!isSeen && this.#mapping.cost !== undefined)
      throw this.#error(`${error.message}; with --cost every line must be readable, or its cost is unknown`);
    const where = `${printable(this.#file)}:${this.#line}`;
    this.unusable.add({ where, reason: error.message }, { isSeen });
    if (this.unusable.isHopeless || this.#mapping.unusableAtMost === 0) this.#refuseUnusable();
  }

  #refuseUnusable(): void {
    const complaint = this.unusable.complaintOf(this.#mapping.unusableAtMost);
    if (complaint !== undefined) throw this.#errorAt(complaint.where, complaint.reason);
  }

  #endRecord(): void {
    try {
      this.#lineFormat?.end?.();
    } catch (error) {
      if (!(error instanceof BrokenLine)) throw error;
      this.#truncatedLine = this.#line;
    }
  }

  #whyEmpty(): string {
    const { key } = this.#mapping;
    if (key === undefined || this.#names.length === 0) return 'the file has no operation';
    return `no request of ${this.#skippedInFile} has the field ${printable(key)} (--key); fields of the first: ${printable(this.#names.slice(0, 40).join(', '))}`;
  }

  #error(reason: string): OpenclawError {
    return this.#errorAt(`${printable(this.#file)}:${this.#line}`, reason);
  }

  #errorAt(where: string, reason: string): OpenclawError {
    const guess = this.#usable === 0 ? guessFormat(this.#firstLine, this.#format) : undefined;
    return new OpenclawError(
      'INVALID_HISTORY',
      `${where}: ${reason}${guess === undefined ? '' : `; ${guess}`}`,
      { hint: 'see openclaw-rl check --help' },
    );
  }
}

const TOO_LONG = `the line is longer than ${MAX_LINE_BYTES / 1_048_576} MiB; vegeta writes response bodies: remove them with jq -c 'del(.body)', or attack with -max-body=0`;

/** Moves operations of unknown time to the start: they may have come before all others. */
function placeAtStart(invokedUs: Float64Array): void {
  let first = Number.POSITIVE_INFINITY;
  for (const us of invokedUs) if (us !== UNPLACED && us < first) first = us;
  for (let row = 0; row < invokedUs.length; row++) if (invokedUs[row] === UNPLACED) invokedUs[row] = first;
}

/** Whether a last line without a newline is complete: half a number is a number, but half a JSON object is no object. */
function isWhole(line: string): boolean {
  return line.startsWith('{') && line.endsWith('}');
}
