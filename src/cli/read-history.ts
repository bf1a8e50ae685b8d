import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { OpenclawError, printable } from '../core/errors.ts';
import type { History } from '../history/history.ts';

/** What reads a history: `HistoryReader`, or `ForeignReader` for logs that others wrote. */
export interface Reader {
  readonly operations: number;
  startFile(name: string): void;
  push(chunk: Uint8Array): void;
  endFile(truncated?: boolean): void;
  finish(): History;
}

export interface ReadProgress {
  /** On one line, whoever named it. */
  readonly file: string;
  /** Of the bytes of the file; undefined for standard input. */
  readonly share: number | undefined;
  readonly operations: number;
}

const CHUNK_BYTES = 1_048_576;
const PROGRESS_EVERY_MS = 1_000;

/** Judging this many takes about a second. */
const LONG_HISTORY = 1_000_000;

/** Says that the checker begins, where it takes long. */
export function sayJudging({ operations: { rows } }: History, log: (text: string) => void): void {
  if (rows > LONG_HISTORY) log(`judging ${rows} operations\n`);
}

/**
 * Reads files, `-` for standard input, as one run. What begins like gzip is unpacked, whatever its name. An
 * archive that breaks off is read as far as it goes. Throws INVALID_HISTORY and INTERRUPTED.
 */
export async function readHistory(
  files: readonly string[],
  reader: Reader,
  {
    stdin,
    signal,
    onProgress,
  }: {
    stdin: () => Readable;
    signal: AbortSignal;
    onProgress: (progress: ReadProgress) => void;
  },
): Promise<History> {
  const identities = new Set<string>();
  const contents = new Map<string, string>();
  for (const file of files) {
    const { size, identity } = file === '-' ? STANDARD_INPUT : await lookAt(file);
    if (identities.has(identity))
      throw unreadable(file, 'it is given twice, so its operations would count twice');
    identities.add(identity);
    let progressMs = performance.now() + PROGRESS_EVERY_MS;
    const hash = files.length > 1 ? createHash('sha256') : undefined;
    reader.startFile(file === '-' ? 'standard input' : file);
    const source = file === '-' ? stdin() : createReadStream(file, { highWaterMark: CHUNK_BYTES });
    const truncated = await readAll(source, file, (chunk, bytes) => {
      if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted while reading');
      hash?.update(chunk);
      reader.push(chunk);
      if (performance.now() < progressMs) return;
      progressMs = performance.now() + PROGRESS_EVERY_MS;
      onProgress({ file: printable(file), share: size && bytes / size, operations: reader.operations });
    });
    const content = hash?.digest('hex') ?? '';
    const same = contents.get(content);
    if (same !== undefined)
      throw unreadable(file, `it holds the same as ${printable(same)}, so its operations would count twice`);
    contents.set(content, file);
    reader.endFile(truncated);
  }
  return reader.finish();
}

const STANDARD_INPUT = { size: undefined, identity: '-' };

async function lookAt(file: string): Promise<{ size: number; identity: string }> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(file, error.code === 'ENOENT' ? 'there is no such file' : error.message);
  });
  if (found.isDirectory()) throw unreadable(file, 'it is a folder; name the history in it');
  return { size: found.size, identity: `${found.dev} ${found.ino}` };
}

/** Hands on the bytes, unpacked, with the number of bytes read so far; true when an archive broke off. */
async function readAll(
  source: Readable,
  file: string,
  onChunk: (chunk: Uint8Array, bytes: number) => void,
): Promise<boolean> {
  let unpack: ReturnType<typeof unpacker> | undefined;
  let bytes = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (bytes === 0 && chunk[0] === 0x1f && chunk[1] === 0x8b)
        unpack = unpacker((part) => onChunk(part, bytes));
      bytes += chunk.length;
      if (unpack === undefined) onChunk(chunk, bytes);
      else await unpack.write(chunk);
    }
    return (await unpack?.end()) ?? false;
  } catch (error) {
    if (error instanceof OpenclawError) throw error;
    throw unreadable(file, error instanceof Error ? error.message : String(error));
  } finally {
    source.destroy();
  }
}

/** A gunzip that is fed chunk by chunk, one at a time, so that nothing piles up. */
function unpacker(onPart: (part: Uint8Array) => void) {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  let failure: NodeJS.ErrnoException | undefined;
  gunzip.on('error', (error) => {
    failure = error;
  });
  gunzip.on('data', (part: Uint8Array) => {
    if (failure !== undefined) return;
    try {
      onPart(part);
    } catch (error) {
      failure = error as Error;
    }
  });
  const settle = () => {
    if (failure === undefined) return false;
    if (failure.code === 'Z_BUF_ERROR') return true; // it ends in the middle: a crash while it was written
    throw failure;
  };
  return {
    async write(chunk: Uint8Array): Promise<void> {
      await new Promise<void>((resolve) => {
        gunzip.write(chunk, () => resolve());
        gunzip.once('error', () => resolve());
      });
      settle();
    },
    async end(): Promise<boolean> {
      await new Promise<void>((resolve) => {
        gunzip.once('end', resolve).once('error', () => resolve());
        gunzip.end();
      });
      return settle();
    },
  };
}

function unreadable(file: string, why: string): OpenclawError {
  return new OpenclawError('INVALID_HISTORY', `${printable(file)}: ${why}`);
}
