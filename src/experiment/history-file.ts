import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { HistoryBuilder } from '../history/columns/builder.ts';
import type { History } from '../history/history.ts';
import { ByteWriter } from '../history/records/byte-writer.ts';
import { writeRecord } from '../history/records/codec.ts';
import type { End, Header, HistoryRecord, Outcome } from '../history/records/operation.ts';
import { withTimeout } from '../limiter/with-timeout.ts';

/** Few large writes: each wakes a thread, which takes processor time from the load. */
const CHUNK_BYTES = 524_288;
/** Room for the record that makes a chunk long enough. */
const RECORD_BYTES = 1_024;

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
  /** SHA-256 of all that is before its last record, of a part of a run. */
  readonly digest?: string;
}

/**
 * Streams a history to disk during the run, so that a crash keeps it; packed if the name ends in .gz. A short one is also
 * held for the checker. A part of a run gets the digest of its records.
 */
export class HistoryFile {
  readonly #sink: Sink;
  readonly #hash;
  readonly #path: string;
  readonly #operationsHeld: number;
  readonly #frame = new HistoryBuilder();
  readonly #outcomes: Record<Outcome, number> = { allowed: 0, denied: 0, failed: 0, info: 0 };
  readonly #onMore: () => void;
  /** Undefined once there are more than `operationsHeld`. */
  #builder: HistoryBuilder | undefined = new HistoryBuilder();
  readonly #pending = new ByteWriter(CHUNK_BYTES + RECORD_BYTES);
  #flushedMs = Number.NEGATIVE_INFINITY;
  #failure: Error | undefined;

  /**
   * Calls `onFailure` when a write fails; `end` then rejects. Calls `onMore` once there are more operations than are held
   * in memory.
   */
  constructor(
    path: string,
    header: Header,
    onFailure: () => void,
    operationsHeld = Number.POSITIVE_INFINITY,
    onMore = () => {},
  ) {
    this.#path = path;
    this.#operationsHeld = operationsHeld;
    this.#onMore = onMore;
    this.#hash = header.part && createHash('sha256');
    this.#sink = openSink(path);
    this.#sink.closed.catch((error: Error) => {
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

  /** Writes the last record, unless the history was cut short, and closes the file. Rejects if any write failed. */
  async end(end: End | undefined): Promise<Written> {
    this.flush();
    const digest = this.#hash?.digest('hex');
    if (end !== undefined) this.#append({ ...end, ...(digest !== undefined && { digest }) });
    await this.close();
    this.#builder?.endFile();
    const history = this.#builder?.build();
    const frame = this.#buildFrame();
    return { path: this.#path, frame, ...(history && { history }), ...(digest !== undefined && { digest }) };
  }

  /** Writes what is buffered and closes the file, which then has no last record. Rejects if any write failed. */
  async close(): Promise<void> {
    this.#write(this.#pending.take());
    if (this.#failure !== undefined) throw this.#failure;
    await closeStream(this.#sink.stream, this.#sink.closed);
  }

  /** Closes the file without its last record, and removes it if it has no operation. */
  async abandon(): Promise<void> {
    const isEmpty = Object.values(this.#outcomes).every((number) => number === 0);
    try {
      await this.close();
      if (isEmpty) await rm(this.#path);
    } catch {} // there is an error already
  }

  #append(record: HistoryRecord): void {
    this.#builder?.add(record);
    if (record.type === 'op') this.#outcomes[record.outcome]++;
    else this.#frame.add(record);
    if (this.#builder !== undefined && this.#builder.operations > this.#operationsHeld) {
      this.#builder = undefined;
      this.#onMore();
    }
    writeRecord(this.#pending, record);
    if (record.type === 'end') return;
    if (this.#pending.length >= CHUNK_BYTES || performance.now() - this.#flushedMs >= FLUSH_MS) this.flush();
  }

  #buildFrame(): History {
    this.#frame.endFile();
    return { ...this.#frame.build(), outcomes: this.#outcomes };
  }

  /** Writes the buffered records to the stream. */
  flush(): void {
    const chunk = this.#pending.take();
    this.#hash?.update(chunk);
    this.#write(chunk);
  }

  /** Does not add to the digest. */
  #write(chunk: Uint8Array): void {
    if (this.#failure === undefined && chunk.length > 0) {
      this.#sink.stream.write(chunk);
      this.#sink.flush?.();
    }
    this.#flushedMs = performance.now();
  }
}

interface Sink {
  readonly stream: Writable;
  /** Makes what was written readable. */
  readonly flush?: () => void;
  /** Once all of it is on disk; rejects if any write failed. */
  readonly closed: Promise<void>;
}

function openSink(path: string): Sink {
  const file = createWriteStream(path, { flags: 'wx' });
  if (!path.endsWith('.gz')) return { stream: file, closed: finished(file) };
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  gzip.on('error', () => {}); // a write after a failure: `closed` has rejected
  return {
    stream: gzip,
    flush: () => gzip.flush(constants.Z_SYNC_FLUSH),
    closed: pipeline(gzip, file),
  };
}

/** Writes what is buffered and closes the stream. Rejects if a write fails or hangs. Exported for its test. */
export async function closeStream(
  stream: Writable,
  closed: Promise<void> = finished(stream),
  withinMs = CLOSE_MS,
): Promise<void> {
  stream.end();
  await withTimeout(withinMs, closed, () => {
    throw new Error(`the disk has not taken it after ${withinMs / 1_000} s`);
  });
}
