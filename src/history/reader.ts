import { OpenclawError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { HistoryBuilder } from './columns/builder.ts';
import type { History } from './history.ts';
import { type Hash, PartScan } from './parts/part-scan.ts';
import type { LeftOut } from './parts/parts.ts';
import { RecordError } from './records/fields.ts';
import { parseRecord } from './records/parse-record.ts';
import { LineSplitter, MAX_LINE_BYTES } from './scan/lines.ts';
import { OperationScanner } from './scan/scan-operation.ts';

export interface ReaderOptions {
  readonly sha256?: () => Hash;
  readonly leftOut?: readonly LeftOut[];
}

/**
 * Reads histories in NDJSON from chunks of bytes: `startFile`, `push` ..., `endFile` for each file of a run, then
 * `finish`. Every error is INVALID_HISTORY and names file, line and reason. An incomplete last line is left out and
 * reported. `sha256` makes a hash, as `createHash('sha256')`: with it, a part whose bytes do not have the digest of its
 * end is refused. `leftOut`: files of the run that are not read.
 */
export class HistoryReader {
  readonly #builder = new HistoryBuilder();
  readonly #scanner = new OperationScanner(this.#builder.texts, this.#builder.draft);
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #lines: LineSplitter | undefined;
  #file = '';
  #line = 0;
  #truncatedLine: number | undefined;
  readonly #sha256: (() => Hash) | undefined;
  readonly #leftOut: readonly LeftOut[];
  #scan: PartScan | undefined;

  constructor({ sha256, leftOut = [] }: ReaderOptions = {}) {
    this.#sha256 = sha256;
    this.#leftOut = leftOut;
  }

  get operations(): number {
    return this.#builder.operations;
  }

  startFile(name: string): void {
    this.#file = name;
    this.#line = 0;
    this.#truncatedLine = undefined;
    this.#scan = this.#sha256 && new PartScan(this.#sha256());
    this.#builder.startFile(name);
    this.#lines = new LineSplitter(
      (bytes, start, end, terminated) => this.#readLine(bytes, start, end, terminated),
      () => {
        this.#line++;
        throw this.#error(`the line is longer than ${MAX_LINE_BYTES / 1_048_576} MiB`);
      },
    );
  }

  push(chunk: Uint8Array): void {
    this.#scan?.push(chunk);
    this.#lines?.push(chunk);
  }

  /** `truncated`: the file itself is incomplete, as an archive can be; its last line is then left out. */
  endFile(truncated = false): void {
    if (truncated) this.#truncatedLine = this.#line + 1;
    else this.#lines?.end();
    this.#line = Math.max(1, this.#line);
    if (this.#scan?.end().isAltered === true)
      throw this.#error(
        'the part was altered after it was written: its bytes do not have the digest of its end record',
      );
    this.#worded(() => this.#builder.endFile(this.#truncatedLine));
  }

  finish(): History {
    return this.#worded(() => this.#builder.build(this.#leftOut));
  }

  #readLine(bytes: Uint8Array, start: number, end: number, terminated: boolean): void {
    this.#line++;
    if (this.#scanner.scan(bytes, start, end)) this.#worded(() => this.#builder.addDraft());
    else this.#parseLine(this.#decode(bytes.subarray(start, end)), terminated);
  }

  /** A lenient decoder would replace every invalid byte by one character, and so merge different buckets. */
  #decode(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw this.#error('not UTF-8');
    }
  }

  #parseLine(text: string, terminated: boolean): void {
    if (text.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      if (!terminated && this.#line > 1) this.#truncatedLine = this.#line;
      else
        throw this.#error(`not JSON: ${printable(error instanceof Error ? error.message : String(error))}`);
      return;
    }
    this.#worded(() => this.#builder.add(parseRecord(value)));
  }

  /** Adds file and line to the errors of the record's own checks. */
  #worded<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (error instanceof RecordError) throw this.#error(error.message);
      if (error instanceof OpenclawError && error.code === 'INVALID_POLICY') throw this.#error(error.message);
      throw error;
    }
  }

  #error(reason: string): OpenclawError {
    return new OpenclawError('INVALID_HISTORY', `${printable(this.#file)}:${this.#line}: ${reason}`);
  }
}
