import { resolve } from 'node:path';
import { Option } from 'commander';
import { type Promised, parsePromise } from '../../checker/claims/promise.ts';
import { invalidOption } from '../../core/errors.ts';
import { type Policy, parsePolicy } from '../../core/policy.ts';
import { refused } from '../../limiter/plugin/error.ts';
import type { Plan } from '../../scenario/plan.ts';
import { parsedBy } from '../flags/options.ts';
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
  { limiter, policy, promise }: PromiseFlags & { readonly limiter?: string; readonly policy: Policy },
  environment: Environment,
): Promise<ChosenPlugin | undefined> {
  if (limiter === undefined) {
    if (promise === undefined) return undefined;
    throw invalidOption(
      '--promise: only valid with --limiter',
      'built-in strategies are token buckets: leave it out',
    );
  }
  const file = resolve(environment.cwd, limiter);
  const own = await ownPromise(file, policy, environment); // also with --promise: an invalid plug-in is refused here
  return { file, promise: promise ?? own };
}

/** The promise that the plug-in of a plan exports; undefined for a built-in strategy. */
export async function promiseOfPlan(
  { limiter, policy }: Plan,
  environment: Environment,
): Promise<Promised | undefined> {
  return limiter === undefined ? undefined : ownPromise(limiter, parsePolicy(policy), environment);
}

async function ownPromise(file: string, policy: Policy, environment: Environment): Promise<Promised> {
  const text = await askPlugin(file, policy, environment);
  try {
    return parsePromise(text);
  } catch (error) {
    throw refused(file, `exports an invalid \`promise\`: ${error instanceof Error ? error.message : error}`);
  }
}
