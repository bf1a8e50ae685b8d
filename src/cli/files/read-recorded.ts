import type { Readable } from 'node:stream';
import { printable } from '../../core/printable.ts';
import type { History } from '../../history/history.ts';
import { leftOutText } from '../../history/parts/part-texts.ts';
import { HistoryReader } from '../../history/reader.ts';
import { chooseFiles, refuseStream } from './choose-files.ts';
import { type ReadProgress, readHistory } from './read-history.ts';

interface How {
  readonly stdin: () => Readable;
  readonly signal: AbortSignal;
  readonly log: (text: string) => void;
  readonly onProgress: (progress: ReadProgress) => void;
}

/**
 * Reads a history in the own format, and says which files it leaves out of a run in parts. Throws INVALID_HISTORY and
 * INTERRUPTED.
 */
export async function readRecorded(
  given: readonly string[],
  { log, ...how }: How,
): Promise<{ readonly history: History; readonly files: readonly string[] }> {
  const { files, parts, leftOut } = await chooseFiles(given, { ...how, log });
  const history = await readHistory(files, new HistoryReader({ leftOut }), how);
  if (history.parts !== undefined) for (const file of files) await refuseStream(file);
  for (const file of leftOut) log(`${printable(leftOutText(file, parts))}\n`);
  return { history, files };
}
