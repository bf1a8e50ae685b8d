import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import type { History } from '../../history/history.ts';

/** A reader of histories: `HistoryReader`, `ForeignReader` for logs of other programs; or of what else they show. */
export interface Reader<Result = History> {
  readonly operations: number;
  startFile(name: string): void;
  push(chunk: Uint8Array): void;
  endFile(truncated?: boolean): void;
  finish(): Result;
}

export interface ReadProgress {
  /** Without line breaks or control characters. */
  readonly file: string;
  /** Share of the file's bytes; undefined for standard input. */
  readonly share: number | undefined;
  readonly operations: number;
}

export const CHUNK_BYTES = 1_048_576;
export const PROGRESS_EVERY_MS = 1_000;

/** Judging this many takes about a second. */
const LONG_HISTORY = 1_000_000;

/** Logs that the checker starts, if it takes long. */
export function sayJudging({ operations: { rows } }: History, log: (text: string) => void): void {
  if (rows > LONG_HISTORY) log(`judging ${rows} operations\n`);
}

/**
 * Reads files, `-` for standard input, as one run. Gzip is recognised by its first bytes. A truncated archive is read up
 * to its end. Throws INVALID_HISTORY and INTERRUPTED.
 */
export async function readHistory<Result>(
  files: readonly string[],
  reader: Reader<Result>,
  {
    stdin,
    signal,
    onProgress,
  }: {
    stdin: () => Readable;
    signal: AbortSignal;
    onProgress: (progress: ReadProgress) => void;
  },
): Promise<Result> {
  const identities = new Set<string>();
  const contents = new Map<string, string>();
  for (const file of files) {
    const { size, identity } = file === '-' ? STANDARD_INPUT : await lookAt(file);
    if (identities.has(identity))
      throw unreadable(file, 'the file is given twice; its operations would count twice');
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
      throw unreadable(file, `same content as ${printable(same)}; its operations would count twice`);
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

/** Thrown by `onChunk` of `readAll` to end the reading early. */
export class ReadEnough extends Error {}

/** Passes on the unpacked bytes, with the number of bytes read so far. Returns true for a truncated archive. */
export async function readAll(
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
    if (error instanceof OpenclawError || error instanceof ReadEnough) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!code.startsWith('Z_')) throw unreadable(file, message);
    throw unreadable(file, `the archive is damaged: ${message}`, 'copy it again from where it was written');
  } finally {
    source.destroy();
  }
}

/** A gunzip that takes one chunk at a time, so that memory stays small. */
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
    if (failure.code === 'Z_BUF_ERROR') return true; // truncated: its writer crashed
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

function unreadable(file: string, why: string, hint?: string): OpenclawError {
  return new OpenclawError(
    'INVALID_HISTORY',
    `${printable(file)}: ${why}`,
    hint === undefined ? {} : { hint },
  );
}
