import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, extname, join, relative, resolve } from 'node:path';
import { nearest } from '../../core/did-you-mean.ts';
import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { isStrategy, STRATEGY_NAMES, type StrategyName } from '../../core/strategies.ts';

/** A limiter of the board: a strategy of ours, or a file. */
export type FoundLimiter =
  | { readonly id: string; readonly strategy: StrategyName }
  | {
      readonly id: string;
      /** An absolute path. */
      readonly file: string;
      /** From the current folder, as a command takes it. */
      readonly typed: string;
      /** Whether the file itself was named: then it must have an `about`. */
      readonly isNamed: boolean;
    };

/** Where the audits of a clone are. */
const OURS = resolve(import.meta.dirname, '../../../audits');
const ENDINGS = ['.mjs', '.js', '.yaml', '.yml', '.json'];

/**
 * The limiters of these words: ids of the folder, files, or names of strategies; without any, all of the folder and all
 * strategies. `audits` is as typed. Throws INVALID_OPTION.
 */
export async function findLimiters(
  words: readonly string[],
  { audits, cwd }: { readonly audits?: string | undefined; readonly cwd: string },
): Promise<FoundLimiter[]> {
  const folder = audits === undefined ? OURS : resolve(cwd, audits);
  if (audits !== undefined && !existsSync(folder))
    throw invalidOption(`--audits: ${quoted(audits)} is not there`, 'name a folder with files of limiters');
  const ofFolder = await limitersIn(folder, cwd);
  const strategies = STRATEGY_NAMES.map((strategy) => ({ id: strategy, strategy }));
  const found =
    words.length === 0 ? [...ofFolder, ...strategies] : words.map((word) => findOne(word, { ofFolder, cwd }));
  const twice = found.find(({ id }, at) => found.some((other, before) => before < at && other.id === id));
  if (twice === undefined) return found;
  throw invalidOption(
    `two limiters have the id ${quoted(twice.id)}, the name of their file`,
    'rename one of them',
  );
}

async function limitersIn(folder: string, cwd: string): Promise<FoundLimiter[]> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  return names
    .filter((name) => ENDINGS.includes(extname(name)))
    .sort()
    .map((name) => fileLimiter(join(folder, name), { cwd, isNamed: false }));
}

function findOne(
  word: string,
  { ofFolder, cwd }: { readonly ofFolder: readonly FoundLimiter[]; readonly cwd: string },
): FoundLimiter {
  if (isStrategy(word)) return { id: word, strategy: word };
  const ofId = ofFolder.find(({ id }) => id === word);
  if (ofId !== undefined) return 'file' in ofId ? { ...ofId, isNamed: true } : ofId;
  if (word.includes('/') || ENDINGS.includes(extname(word)))
    return fileLimiter(resolve(cwd, word), { cwd, isNamed: true });
  const known = [...ofFolder.map(({ id }) => id), ...STRATEGY_NAMES];
  const close = nearest(word, known);
  const meant = close === undefined ? '' : `; did you mean ${close}?`;
  throw invalidOption(
    `no limiter is called ${quoted(word)}${meant}`,
    `name a file, like ./mine.yaml, or one of ${known.join(', ')}`,
  );
}

function fileLimiter(
  file: string,
  { cwd, isNamed }: { readonly cwd: string; readonly isNamed: boolean },
): FoundLimiter {
  return { id: basename(file, extname(file)), file, typed: relative(cwd, file), isNamed };
}
