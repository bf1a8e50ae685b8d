import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { OpenclawError } from '../../core/errors.ts';
import type { LookedAtPart } from '../../experiment/parts/part-store.ts';
import { PartScan } from '../../history/parts/part-scan.ts';
import { CHUNK_BYTES, readAll } from './read-history.ts';

/** Reads the whole file of a part, for its digest. Throws INVALID_HISTORY for any other file. */
export async function lookAtPart(file: string): Promise<LookedAtPart> {
  const scan = new PartScan(createHash('sha256'));
  const isTruncated = await readAll(createReadStream(file, { highWaterMark: CHUNK_BYTES }), file, (chunk) =>
    scan.push(chunk),
  );
  const { digest, isAltered } = scan.end();
  if (scan.part === undefined)
    throw new OpenclawError('INVALID_HISTORY', 'its header names no part of a run');
  const isComplete = digest !== undefined && !isAltered && !isTruncated;
  return { part: scan.part, ...(isComplete && { digest }) };
}
