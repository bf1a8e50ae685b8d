import { resolve } from 'node:path';
import { Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { formatPolicies } from '../../core/policies.ts';
import { formatPromise, type Promised, parsePromise } from '../../core/promise.ts';
import { refused } from '../../limiter/plugin/error.ts';
import type { Plan } from '../../scenario/plan.ts';
import { type LimiterFlags, parsedBy, policiesOf } from '../flags/options.ts';
import type { Environment } from '../process/environment.ts';
import { askPlugin } from './ask-plugin.ts';

/** The flag of `promiseOption`. */
export interface PromiseFlags {
  readonly promise?: Promised;
}

export function promiseOption(): Option {
  return new Option(
    '--promise <promise>',
    'what the limiter guarantees: token-bucket (of --policy; the default), fixed-window:100/60s (windows anywhere), with :epoch (multiples of their length since 1970) or :first (opened by a request), sliding-window:100/60s (the exact log) or sliding-counter:100/60s; replaces the promise of a --limiter',
  ).argParser(parsedBy(parsePromise));
}

/** The plug-in of a run: its absolute file, and the promise by which it is judged. */
export interface ChosenPlugin {
  readonly file: string;
  readonly promise: Promised;
}

/** Reads the promise of the typed plug-in; undefined without one. Throws INVALID_OPTION. */
export async function choosePlugin(
  flags: PromiseFlags & Pick<LimiterFlags, 'limiter' | 'policy'>,
  environment: Environment,
): Promise<ChosenPlugin | undefined> {
  const { limiter, promise } = flags;
  if (limiter === undefined) {
    if (promise === undefined) return undefined;
    throw invalidOption(
      '--promise: only valid with --limiter',
      'built-in strategies are token buckets: leave it out',
    );
  }
  const file = resolve(environment.cwd, limiter);
  if (promise !== undefined) checkPromise(promise, policiesOf(flags).length);
  const own = await ownPromise(file, formatPolicies(policiesOf(flags)), environment); // also with --promise: an invalid plug-in is refused here
  return { file, promise: promise ?? own };
}

/** Throws INVALID_OPTION for a promise of windows, which is one limit, with several policies. */
export function checkPromise(promise: Promised, policies: number): void {
  if (policies === 1 || promise.type === 'token-bucket') return;
  throw invalidOption(
    `--promise ${formatPromise(promise)} is one limit; found ${policies} policies`,
    'give one policy, or promise a token bucket',
  );
}

/** The promise that the plug-in of a plan exports; undefined for a built-in strategy. */
export async function promiseOfPlan(
  { limiter, policy }: Plan,
  environment: Environment,
): Promise<Promised | undefined> {
  return limiter === undefined ? undefined : ownPromise(limiter, policy, environment);
}

async function ownPromise(file: string, policies: string, environment: Environment): Promise<Promised> {
  const { promise } = await askPlugin(file, policies, environment);
  return parseOwnPromise(file, promise);
}

/** Parses the promise that a plug-in exports. Throws INVALID_OPTION, which names the plug-in. */
export function parseOwnPromise(file: string, text: string): Promised {
  try {
    return parsePromise(text);
  } catch (error) {
    throw refused(file, `exports an invalid \`promise\`: ${error instanceof Error ? error.message : error}`);
  }
}
