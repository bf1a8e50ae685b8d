import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { OpenclawError } from '../../core/errors.ts';
import { pluginName } from '../../core/plugin-name.ts';
import { printable } from '../../core/printable.ts';
import { formatPromise } from '../../core/promise.ts';
import type { StrategyName } from '../../core/strategies.ts';
import type { LimiterAbout } from '../../limiter/plugin/about.ts';
import { messageOf, refused } from '../../limiter/plugin/error.ts';
import type { ScoreboardLimiter } from '../../report/scoreboard/scoreboard.ts';
import { DEFAULT_POLICY } from '../../scenario/defaults.ts';
import { askPlugin } from '../plugins/ask-plugin.ts';
import { type ChosenPlugin, parseOwnPromise } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { commandEnvironment } from '../process/service-environment.ts';
import type { FoundLimiter } from './find-limiters.ts';
import { limiterDigest } from './limiter-digest.ts';
import { rowOfStrategy } from './our-strategies.ts';

/** A limiter with its row, and what a cell of it needs. */
export interface BoardLimiter {
  readonly row: ScoreboardLimiter;
  readonly by:
    | { readonly strategy: StrategyName }
    | { readonly plugin: ChosenPlugin }
    | { readonly lack: string };
  /** The words of a command that choose it. */
  readonly words: readonly string[];
  /** Why a scenario cannot be run with it. */
  readonly skip: Readonly<Record<string, string>>;
}

/**
 * The row of a limiter: its file is loaded, and its version asked for. Undefined for a file of a folder that says nothing
 * about itself. One that cannot be loaded has a row without cells. Throws INVALID_OPTION if the file itself was named.
 */
export async function boardLimiter(
  found: FoundLimiter,
  environment: Environment,
): Promise<BoardLimiter | undefined> {
  if ('strategy' in found) {
    const { strategy } = found;
    const words = ['--strategy', strategy];
    return { row: rowOfStrategy(strategy), by: { strategy }, words, skip: {} };
  }
  const { id, file, typed, isNamed } = found;
  const words = ['--limiter', typed];
  try {
    const { promise: text, about } = await askPlugin(file, DEFAULT_POLICY, environment);
    const promise = parseOwnPromise(file, text);
    if (about === undefined && !isNamed) return undefined;
    if (about === undefined)
      throw refused(file, 'has no about, which a row of the scoreboard shows: see docs/scoreboard.md');
    return {
      row: rowOf(id, {
        about,
        promise: formatPromise(promise),
        version: await versionOf(file, about, environment),
        code: await limiterDigest(file),
      }),
      by: { plugin: { file, promise } },
      ...{ words, skip: about.skip ?? {} },
    };
  } catch (error) {
    if (isNamed || !(error instanceof OpenclawError) || error.code !== 'INVALID_OPTION') throw error;
    return { row: bareRow(id), by: { lack: lackOf(file, error) }, words, skip: {} };
  }
}

function rowOf(
  id: string,
  {
    about,
    ...known
  }: Pick<ScoreboardLimiter, 'promise' | 'version' | 'code'> & { readonly about: LimiterAbout },
): ScoreboardLimiter {
  const { name, language, setting, documentation, says, covers = [], topology = 'cluster', shim } = about;
  return {
    ...{ id, isOurs: false, ...known, name, language, setting, documentation, says, covers, topology },
    ...(shim !== undefined && { shim }),
  };
}

function bareRow(id: string): ScoreboardLimiter {
  return {
    ...{ id, isOurs: false, promise: '', version: '', name: id, language: '', setting: '' },
    ...{ documentation: [], says: '', covers: [], topology: 'cluster' },
  };
}

/** The message of a limiter's error for its row: without the name of its file and the path of its folder. */
export function lackOf(file: string, { message }: OpenclawError): string {
  return printable(message.replace(`${pluginName(file)} `, '').replaceAll(`${dirname(file)}/`, ''));
}

const VERSION_MS = 20_000;
const LONGEST_VERSION = 200;

async function versionOf(
  file: string,
  { version: [program, ...args] }: LimiterAbout,
  environment: Environment,
): Promise<string> {
  const { interrupt: signal } = environment;
  const options = { cwd: dirname(file), env: commandEnvironment(environment), timeout: VERSION_MS, signal };
  return promisify(execFile)(program, args, options).then(
    ({ stdout }) => printable(stdout.trim().split('\n', 1)[0] ?? '').slice(0, LONGEST_VERSION),
    (error: unknown) => printable(`not known: ${messageOf(error)}`).slice(0, LONGEST_VERSION),
  );
}
