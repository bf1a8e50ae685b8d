import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { HistoryBuilder } from '../history/columns/builder.ts';
import type { History } from '../history/history.ts';
import { encodeRecord } from '../history/records/codec.ts';
import type { End, Header, HistoryRecord, Outcome } from '../history/records/operation.ts';
import { withTimeout } from '../limiter/with-timeout.ts';

const CHUNK_CHARACTERS = 65_536;

/** A program that is killed loses at most the records of this time. */
const FLUSH_MS = 1_000;

/** For what is still buffered at the end of a run; a disk that hangs must not keep the rest from being torn down. */
const CLOSE_MS = 120_000;

/** A history on disk, and the parts of it in memory. */
export interface Written {
  readonly path: string;
  /** Absent if it has too many operations to hold in memory. */
  readonly history?: History;
  /** The history without its operations; these are only counted. */
  readonly frame: History;
}

/** Streams a history to disk during the run, so that a crash keeps it. A short one is also held for the checker. */
export class HistoryFile {
  readonly #stream;
  readonly #path: string;
  readonly #operationsHeld: number;
  readonly #frame = new HistoryBuilder();
  readonly #outcomes: Record<Outcome, number> = { allowed: 0, denied: 0, failed: 0, info: 0 };
  /** Undefined once there are more than `operationsHeld`. */
  #builder: HistoryBuilder | undefined = new HistoryBuilder();
  #pending = '';
  #flushedMs = Number.NEGATIVE_INFINITY;
  #failure: Error | undefined;

  /** Calls `onFailure` when a write fails; `end` then rejects. */
  constructor(
    path: string,
    header: Header,
    onFailure: () => void,
    operationsHeld = Number.POSITIVE_INFINITY,
  ) {
    this.#path = path;
    this.#operationsHeld = operationsHeld;
    this.#stream = createWriteStream(path, { flags: 'wx' });
    this.#stream.on('error', (error) => {
      this.#failure = error;
      onFailure();
    });
    this.#builder?.startFile(path);
    this.#frame.startFile(path);
    this.#append(header);
  }

  add(record: Exclude<HistoryRecord, Header | End>): void {
    this.#append(record);
  }

  /** Writes the last record and closes the file. Rejects if any write failed. */
  async end(end: End): Promise<Written> {
    this.#append(end);
    this.flush();
    if (this.#failure !== undefined) throw this.#failure;
    await closeStream(this.#stream);
    this.#builder?.endFile();
    const history = this.#builder?.build();
    return { path: this.#path, frame: this.#buildFrame(), ...(history && { history }) };
  }

  #append(record: HistoryRecord): void {
    this.#builder?.add(record);
    if (record.type === 'op') this.#outcomes[record.outcome]++;
    else this.#frame.add(record);
    if (this.#builder !== undefined && this.#builder.operations > this.#operationsHeld)
      this.#builder = undefined;
    this.#pending += encodeRecord(record);
    if (this.#pending.length >= CHUNK_CHARACTERS || performance.now() - this.#flushedMs >= FLUSH_MS)
      this.flush();
  }

  #buildFrame(): History {
    this.#frame.endFile();
    return { ...this.#frame.build(), outcomes: this.#outcomes };
  }

  /** Writes the buffered records to the stream. */
  flush(): void {
    if (this.#failure === undefined) this.#stream.write(this.#pending);
    this.#pending = '';
    this.#flushedMs = performance.now();
  }
}

/** Writes what is buffered and closes the stream. Rejects if a write fails or hangs. Exported for its test. */
export async function closeStream(stream: Writable, withinMs = CLOSE_MS): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => {
    stream.end((error?: Error | null) => (error ? reject(error) : resolve()));
  });
  await withTimeout(withinMs, closed, () => {
    throw new Error(`the disk has not taken it after ${withinMs / 1_000} s`);
  });
}
