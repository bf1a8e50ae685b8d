import { createWriteStream } from 'node:fs';
import { encodeRecord } from '../history/codec.ts';
import type { ClockReading, End, Header, History, Operation } from '../history/operation.ts';

const CHUNK_CHARACTERS = 65_536;

/** Streams a history to disk as the run goes, so that a crash keeps it, and holds it for the checker. */
export class HistoryFile {
  readonly #stream;
  readonly #header: Header;
  readonly #operations: Operation[] = [];
  readonly #clock: ClockReading[] = [];
  #pending = '';
  #failure: Error | undefined;

  constructor(path: string, header: Header) {
    this.#stream = createWriteStream(path, { flags: 'wx' });
    this.#stream.on('error', (error) => {
      this.#failure = error;
    });
    this.#header = header;
    this.#append(encodeRecord(header));
  }

  addOperation(operation: Operation): void {
    this.#operations.push(operation);
    this.#append(encodeRecord(operation));
  }

  addClock(reading: ClockReading): void {
    this.#clock.push(reading);
    this.#append(encodeRecord(reading));
  }

  /** Writes the last record and closes the file. Rejects when anything could not be written. */
  async end(end: End): Promise<History> {
    this.#append(encodeRecord(end));
    this.flush();
    await new Promise<void>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#stream.end((error?: Error | null) => (error ? reject(error) : resolve()));
    });
    return { header: this.#header, operations: this.#operations, clock: this.#clock, end };
  }

  #append(line: string): void {
    this.#pending += line;
    if (this.#pending.length >= CHUNK_CHARACTERS) this.flush();
  }

  /** Hands over what has been gathered. */
  flush(): void {
    if (this.#failure === undefined) this.#stream.write(this.#pending);
    this.#pending = '';
  }
}
