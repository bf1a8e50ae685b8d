import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { quotedForShell } from '../output/typed-command.ts';

const NAMES = ['history.ndjson', 'history.ndjson.gz'];

/** The folder of the parts of a run, with a folder for the run. */
const PARTS = 'parts';

/** Also of a file that is being received, or that was cut short. */
const PART_FILE = /^[^.].*\.ndjson(\.gz)?$/;

/**
 * The files of a kept run's history, of a run in parts with its control part; none if its folder has none. Paths begin with
 * `folder`.
 */
export function historyFilesOf(folder: string): string[] {
  const one = NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
  return one === undefined ? partFilesOf(folder) : [one];
}

/** The files as words of a command: those of a run in parts as a pattern. */
export function historyWords(folder: string): string[] {
  const files = historyFilesOf(folder);
  const isPlain = /^[\w./-]+$/.test(folder);
  if (files.length < 2 || !isPlain) return files.map(quotedForShell);
  return [`${join(folder, PARTS)}/*/*`];
}

function partFilesOf(folder: string): string[] {
  const parts = join(folder, PARTS);
  return namesIn(parts).flatMap((run) =>
    namesIn(join(parts, run))
      .filter((name) => PART_FILE.test(name))
      .map((name) => join(parts, run, name)),
  );
}

/** None of what is no folder. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
