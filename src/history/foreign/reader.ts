import { OpenclawError, printable } from '../../core/errors.ts';
import { HistoryBuilder } from '../builder.ts';
import { given, RecordError } from '../fields.ts';
import type { History } from '../history.ts';
import { LineSplitter, MAX_LINE_BYTES } from '../lines.ts';
import type { LogReading } from '../log-reading.ts';
import type { Operation, PolicyRecord } from '../operation.ts';
import { FOREIGN_FORMATS, type ForeignFormat, fieldsOf, TIMED_FORMATS } from './formats.ts';
import { guessFormat } from './guess.ts';
import { KeyFields } from './key-fields.ts';
import { BrokenLine, type LineFields, type LineFormat, MappingError } from './lines.ts';
import { bucketOf, type Mapping, operationOf, UNPLACED, unitPowerOf, unplacedOperation } from './mapping.ts';
import { decodeBytes } from './names.ts';
import { assumedOfLog, notesOfLog, troublesOfLog } from './notes.ts';
import { UnusableLines } from './unusable.ts';

/**
 * Reads logs that others wrote, line by line, like `HistoryReader`. What such a log cannot know is taken for
 * unknown: the level at its start, the requests that were open at its end, and what lines that cannot be read were.
 */
export class ForeignReader {
  readonly #builder = new HistoryBuilder();
  readonly #mapping: Mapping;
  readonly #policy: PolicyRecord;
  readonly #format: ForeignFormat;
  readonly unusable = new UnusableLines();
  readonly #keyFields: KeyFields;
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
  #truncatedLine: number | undefined;
  /** Lines without a key: they concern no bucket. */
  skipped = 0;

  constructor(format: ForeignFormat, mapping: Mapping, policy: PolicyRecord) {
    this.#format = format;
    this.#mapping = mapping;
    this.#policy = policy;
    this.#keyFields = new KeyFields(fieldsOf(mapping));
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
    this.#truncatedLine = undefined;
    this.unusable.startFile();
    this.#lineFormat = FOREIGN_FORMATS[this.#format](this.#mapping);
    this.#builder.startFile(name);
    this.#builder.add({
      type: 'header',
      format: 'openclaw-history',
      version: 1,
      policy: this.#policy,
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

  /** A last line that may have broken off throws what is wrong with it: it is no line that cannot be read. */
  #readFields(fields: LineFields, mayBeCut: boolean): void {
    const bucket = bucketOf(fields, this.#mapping);
    if (bucket === undefined) {
      this.skipped++;
      this.unusable.addLine();
      if (this.#names.length === 0) this.#names = fields.names();
      return;
    }
    const name = { index: this.#line, bucket };
    let operation: Operation;
    try {
      operation = operationOf(fields, this.#mapping, name);
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

  /** What the table refuses is no fault of one line: a field that names no region, for example. */
  #add(operation: Operation): void {
    try {
      this.#builder.add(operation);
    } catch (error) {
      throw error instanceof RecordError ? new MappingError(error.message) : error;
    }
    this.#read++;
    if (operation.invokedUs !== UNPLACED) this.#usable++;
  }

  /** What a verdict on what was read takes for granted. */
  assumed(history: History): string[] {
    return assumedOfLog(history, { mapping: this.#mapping, unusable: this.unusable, skipped: this.skipped });
  }

  /** What keeps it from proving anything. */
  troubles(history: History): string[] {
    return troublesOfLog(history, this.#mapping);
  }

  /** What a reader of the verdict should know beside. */
  notes(): string[] {
    return notesOfLog(this.#mapping);
  }

  /** As far as it may have been misread. */
  reading(): LogReading {
    const { key } = this.#mapping;
    const unitPower = Object.hasOwn(TIMED_FORMATS, this.#format) ? undefined : this.#unitPower;
    return { ...given({ key, unitPower }), otherKeys: this.#keyFields.names() };
  }

  /** Counts a line that cannot be read, and throws what no line can be read with. */
  #leaveOut(error: unknown, { isSeen }: { isSeen: boolean }): void {
    if (!(error instanceof RecordError)) throw error;
    if (error instanceof MappingError) throw this.#error(error.message);
    if (!isSeen && this.#mapping.cost !== undefined)
      throw this.#error(
        `${error.message}; and what a request may cost (--cost) that cannot be read is not known`,
      );
    const where = `${printable(this.#file)}:${this.#line}`;
    this.unusable.add({ where, reason: error.message }, { isSeen });
    if (this.unusable.isHopeless || this.#mapping.unusableAtMost === 0) this.#refuseUnusable();
  }

  #refuseUnusable(): void {
    const complaint = this.unusable.complaintOf(this.#mapping.unusableAtMost);
    if (complaint !== undefined) throw this.#said(complaint.where, complaint.reason);
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
    return `no line has the field ${printable(key)} (--key); the first has ${printable(this.#names.slice(0, 40).join(', '))}`;
  }

  #error(reason: string): OpenclawError {
    return this.#said(`${printable(this.#file)}:${this.#line}`, reason);
  }

  #said(where: string, reason: string): OpenclawError {
    const guess = this.#usable === 0 ? guessFormat(this.#firstLine, this.#format) : undefined;
    return new OpenclawError(
      'INVALID_HISTORY',
      `${where}: ${reason}${guess === undefined ? '' : `; ${guess}`}`,
      { hint: 'see openclaw-rl check --help for what each option names' },
    );
  }
}

const TOO_LONG = `the line is longer than ${MAX_LINE_BYTES / 1_048_576} MiB; vegeta writes the bodies of replies: leave them out with jq -c 'del(.body)', or attack with -max-body=0`;

/** What came at an unknown time may have come before all else. */
function placeAtStart(invokedUs: Float64Array): void {
  let first = Number.POSITIVE_INFINITY;
  for (const us of invokedUs) if (us !== UNPLACED && us < first) first = us;
  for (let row = 0; row < invokedUs.length; row++) if (invokedUs[row] === UNPLACED) invokedUs[row] = first;
}

/** Of a last line without a newline, whether nothing can be missing: half a number is a number, too, half a JSON object is none. */
function isWhole(line: string): boolean {
  return line.startsWith('{') && line.endsWith('}');
}
