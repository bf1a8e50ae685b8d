import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { type ChosenFiles, chooseParts, type SeenFile } from '../../history/parts/choose-parts.ts';
import { PartScan } from '../../history/parts/part-scan.ts';
import { CHUNK_BYTES, PROGRESS_EVERY_MS, ReadEnough, readAll } from './read-history.ts';

interface How {
  readonly signal: AbortSignal;
  readonly log: (text: string) => void;
}

/**
 * Chooses which files of a run are read, by a first look at each: a part is hashed, of any other file only the header is
 * read. What cannot be read twice, standard input or a pipe, is chosen. A file that cannot be read is chosen, too: its
 * reader gives the reason. Throws INVALID_HISTORY and INTERRUPTED.
 */
export async function chooseFiles(files: readonly string[], how: How): Promise<ChosenFiles> {
  const seen: SeenFile[] = [];
  for (const file of files) {
    const found = (await isStream(file)) ? { file, isAltered: false } : await lookAt(file, how);
    if (found === undefined) return { files, parts: [], leftOut: [] };
    seen.push(found);
  }
  if (seen.some(({ part }) => part !== undefined)) for (const file of files) await refuseStream(file);
  return chooseParts(seen);
}

/** Throws INVALID_HISTORY for standard input or a pipe that would have to be a part. */
export async function refuseStream(file: string): Promise<void> {
  if (!(await isStream(file))) return;
  throw new OpenclawError(
    'INVALID_HISTORY',
    `${file === '-' ? 'standard input' : printable(file)}: a part of a run must be a file: it is read twice, first its digest and then its requests`,
    { hint: 'write it to a file, and give its name' },
  );
}

/** Standard input, a pipe or a device can be read once only. */
async function isStream(file: string): Promise<boolean> {
  if (file === '-') return true;
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

/** Undefined for a file without a readable header. */
async function lookAt(file: string, how: How): Promise<SeenFile | undefined> {
  const scan = new PartScan(createHash('sha256'));
  let isDamaged = false;
  try {
    await scanFile(file, scan, how);
  } catch (error) {
    if (error instanceof OpenclawError && error.code === 'INTERRUPTED') throw error;
    isDamaged = !(error instanceof ReadEnough);
  }
  const scanned = scan.end();
  const { part, hasHeader } = scan;
  if (hasHeader !== true) return undefined;
  if (part === undefined) return { file, isAltered: false };
  return { file, part, ...scanned, isAltered: scanned.isAltered || isDamaged };
}

/** A truncated archive is read up to its end: it may have every record. */
async function scanFile(file: string, scan: PartScan, { signal, log }: How): Promise<void> {
  let progressMs = performance.now() + PROGRESS_EVERY_MS;
  await readAll(createReadStream(file, { highWaterMark: CHUNK_BYTES }), file, (chunk, bytes) => {
    if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted while reading');
    scan.push(chunk);
    if (scan.hasHeader !== undefined && scan.part === undefined) throw new ReadEnough();
    if (performance.now() < progressMs) return;
    progressMs = performance.now() + PROGRESS_EVERY_MS;
    log(`checking the digest of ${printable(file)}: ${Math.floor(bytes / 1_048_576)} MiB read\n`);
  });
}
