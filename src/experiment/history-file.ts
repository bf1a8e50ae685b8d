import { createWriteStream } from 'node:fs';
import { HistoryBuilder } from '../history/builder.ts';
import { encodeRecord } from '../history/codec.ts';
import type { History } from '../history/history.ts';
import type { End, Header, HistoryRecord } from '../history/operation.ts';

const CHUNK_CHARACTERS = 65_536;

/** Streams a history to disk as the run goes, so that a crash keeps it, and holds it for the checker. */
export class HistoryFile {
  readonly #stream;
  readonly #builder = new HistoryBuilder();
  #pending = '';
  #failure: Error | undefined;

  /** `onFailure` is called once what is added can no longer be written; `end` will reject. */
  constructor(path: string, header: Header, onFailure: () => void) {
    this.#stream = createWriteStream(path, { flags: 'wx' });
    this.#stream.on('error', (error) => {
      this.#failure = error;
      onFailure();
    });
    this.#builder.startFile(path);
    this.#append(header);
  }

  add(record: Exclude<HistoryRecord, Header | End>): void {
    this.#append(record);
  }

  /** Writes the last record and closes the file. Rejects when anything could not be written. */
  async end(end: End): Promise<History> {
    this.#append(end);
    this.flush();
    await new Promise<void>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#stream.end((error?: Error | null) => (error ? reject(error) : resolve()));
    });
    this.#builder.endFile();
    return this.#builder.build();
  }

  #append(record: HistoryRecord): void {
    this.#builder.add(record);
    this.#pending += encodeRecord(record);
    if (this.#pending.length >= CHUNK_CHARACTERS) this.flush();
  }

  /** Hands over what has been gathered. */
  flush(): void {
    if (this.#failure === undefined) this.#stream.write(this.#pending);
    this.#pending = '';
  }
}
