import { resolve } from 'node:path';
import { Option } from 'commander';
import { type Promised, parsePromise } from '../checker/promise.ts';
import { OpenclawError } from '../core/errors.ts';
import { type Policy, parsePolicy } from '../core/policy.ts';
import { refused } from '../limiter/plugin-error.ts';
import type { Plan } from '../scenario/plan.ts';
import { askPlugin } from './ask-plugin.ts';
import type { Environment } from './environment.ts';
import { parsedBy } from './options.ts';

/** What `promiseOption` gives. */
export interface PromiseFlags {
  readonly promise?: Promised;
}

export function promiseOption(): Option {
  return new Option(
    '--promise <promise>',
    'what it claims: token-bucket (of --policy; the default), fixed-window:100/60s, with :epoch (windows start at multiples of their length since 1970) or :first (a request opens one) or neither (anywhere), sliding-window:100/60s (the exact log) or sliding-counter:100/60s; of a --limiter instead of its own',
  ).argParser(parsedBy(parsePromise));
}

/** The limiter of a run, if it is a plug-in: its file, absolute, and what it is judged by. */
export interface ChosenPlugin {
  readonly file: string;
  readonly promise: Promised;
}

/** Looks into the plug-in that was typed, if one was. Throws INVALID_OPTION. */
export async function choosePlugin(
  { limiter, policy, promise }: PromiseFlags & { readonly limiter?: string; readonly policy: Policy },
  environment: Environment,
): Promise<ChosenPlugin | undefined> {
  if (limiter === undefined) {
    if (promise === undefined) return undefined;
    throw new OpenclawError('INVALID_OPTION', '--promise: only of use beside --limiter', {
      hint: 'strategies of ours are token buckets: leave it out',
    });
  }
  const file = resolve(environment.cwd, limiter);
  const own = await ownPromise(file, policy, environment); // also where it does not count: a plug-in that is none ends here
  return { file, promise: promise ?? own };
}

/** What the plug-in of a plan promises by itself; undefined where a strategy of ours limits. */
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
    throw refused(file, `promises what cannot be judged: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * What a limiter that keeps this promise shows in a run. `isClockRead` says whether the run learns the time of day of the
 * limiter's clock, and with it where windows of the epoch lie: else no denial of theirs is judged.
 */
export function claimsOfPromise(
  promise: Promised,
  { isClockRead }: { readonly isClockRead: boolean },
): readonly string[] {
  if (promise.type === 'token-bucket') return ['total-excess <= 0', 'false-denials <= 0'];
  const isPlaced = promise.type === 'fixed-window' && promise.alignment === 'epoch' && isClockRead;
  const areDenialsJudged = promise.type === 'sliding-window' || isPlaced;
  return areDenialsJudged ? ['windows <= 0', 'false-denials <= 0'] : ['windows <= 0'];
}
