import type { Readable } from 'node:stream';
import { OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import type { History } from '../../history/history.ts';
import { leftOutText } from '../../history/parts/part-texts.ts';
import { HistoryReader } from '../../history/reader.ts';
import { chooseFiles, isRegular } from './choose-files.ts';
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
  if (history.parts !== undefined)
    for (const file of files) if (!(await isRegular(file))) throw onlyOnce(file);
  for (const file of leftOut) log(`${printable(leftOutText(file, parts))}\n`);
  return { history, files };
}

function onlyOnce(file: string): OpenclawError {
  return new OpenclawError(
    'INVALID_HISTORY',
    `${file === '-' ? 'standard input' : printable(file)}: a part of a run must be a file: it is read twice, first its digest and then its requests`,
    { hint: 'write it to a file, and give its name' },
  );
}
