import { OpenclawError, printable } from '../core/errors.ts';
import { HistoryBuilder } from './builder.ts';
import { RecordError } from './fields.ts';
import type { History } from './history.ts';
import { LineSplitter, MAX_LINE_BYTES } from './lines.ts';
import { parseRecord } from './parse-record.ts';
import { OperationScanner } from './scan-operation.ts';

/**
 * Reads histories in NDJSON from chunks of bytes: `startFile`, `push` ..., `endFile`, again for each further
 * file of the same run, then `finish`. Every error is INVALID_HISTORY and names file, line and reason. A last
 * line that broke off in the middle is left out and reported.
 */
export class HistoryReader {
  readonly #builder = new HistoryBuilder();
  readonly #scanner = new OperationScanner(this.#builder.texts, this.#builder.draft);
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #lines: LineSplitter | undefined;
  #file = '';
  #line = 0;
  #truncatedLine: number | undefined;

  get operations(): number {
    return this.#builder.operations;
  }

  startFile(name: string): void {
    this.#file = name;
    this.#line = 0;
    this.#truncatedLine = undefined;
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
    this.#lines?.push(chunk);
  }

  /** `truncated`: the file itself broke off, as an archive can; its last line is left out then. */
  endFile(truncated = false): void {
    if (truncated) this.#truncatedLine = this.#line + 1;
    else this.#lines?.end();
    this.#line = Math.max(1, this.#line);
    this.#worded(() => this.#builder.endFile(this.#truncatedLine));
  }

  finish(): History {
    return this.#worded(() => this.#builder.build());
  }

  #readLine(bytes: Uint8Array, start: number, end: number, terminated: boolean): void {
    this.#line++;
    if (this.#scanner.scan(bytes, start, end)) this.#worded(() => this.#builder.addDraft());
    else this.#parseLine(this.#decode(bytes.subarray(start, end)), terminated);
  }

  /** Bytes that are no text would become one and the same character, and different buckets the same one. */
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

  /** Adds file and line to what the record's own checks say. */
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
