import { OpenclawError, printable } from '../../core/errors.ts';
import { HistoryBuilder } from '../builder.ts';
import { RecordError } from '../fields.ts';
import type { History } from '../history.ts';
import { LineSplitter, MAX_LINE_BYTES } from '../lines.ts';
import type { PolicyRecord } from '../operation.ts';
import { FOREIGN_FORMATS, type ForeignFormat } from './formats.ts';
import { BrokenLine, type LineFormat } from './lines-of.ts';
import { type Mapping, mapLine } from './mapping.ts';

/**
 * Reads logs that others wrote, line by line, like `HistoryReader`. What such a log cannot know is taken for
 * unknown: the level at its start, and the requests that were open at its end.
 */
export class ForeignReader {
  readonly #builder = new HistoryBuilder();
  readonly #decoder = new TextDecoder();
  readonly #mapping: Mapping;
  readonly #policy: PolicyRecord;
  readonly #format: ForeignFormat;
  #lineFormat: LineFormat | undefined;
  #lines: LineSplitter | undefined;
  #file = '';
  #line = 0;
  #read = 0;
  #truncatedLine: number | undefined;
  /** Lines without a key: they concern no bucket. */
  skipped = 0;

  constructor(format: ForeignFormat, mapping: Mapping, policy: PolicyRecord) {
    this.#format = format;
    this.#mapping = mapping;
    this.#policy = policy;
  }

  get operations(): number {
    return this.#builder.operations;
  }

  startFile(name: string): void {
    this.#file = name;
    this.#line = 0;
    this.#read = 0;
    this.#truncatedLine = undefined;
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
      (bytes, start, end, terminated) =>
        this.#readLine(this.#decoder.decode(bytes.subarray(start, end)), terminated),
      () => {
        this.#line++;
        throw this.#error(`the line is longer than ${MAX_LINE_BYTES / 1_048_576} MiB`);
      },
    );
  }

  push(chunk: Uint8Array): void {
    this.#lines?.push(chunk);
  }

  endFile(truncated = false): void {
    if (!truncated) this.#lines?.end();
    this.#line = Math.max(1, this.#line);
    if (this.#read === 0) throw this.#error('the file has no operation');
    if (truncated) this.#truncatedLine = this.#line + 1;
    if (this.#truncatedLine === undefined) this.#builder.add({ type: 'end', atUs: 0, sent: this.#read });
    this.#builder.endFile(this.#truncatedLine);
  }

  finish(): History {
    return this.#builder.build();
  }

  #readLine(line: string, terminated: boolean): void {
    this.#line++;
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text === '') return;
    try {
      const fieldOf = this.#lineFormat?.(text);
      if (fieldOf === undefined) return;
      const operation = mapLine(fieldOf, this.#mapping, this.#line);
      if (operation === undefined) this.skipped++;
      else {
        this.#read++;
        this.#builder.add(operation);
      }
    } catch (error) {
      if (error instanceof BrokenLine && !terminated && this.#line > 1) this.#truncatedLine = this.#line;
      else if (error instanceof RecordError) throw this.#error(error.message);
      else throw error;
    }
  }

  #error(reason: string): OpenclawError {
    return new OpenclawError('INVALID_HISTORY', `${printable(this.#file)}:${this.#line}: ${reason}`, {
      hint: 'see openclaw-rl check --help for what each option names',
    });
  }
}
