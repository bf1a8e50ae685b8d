import { byName, type NamedPolicy } from '../../core/policies.ts';
import type { Policy } from '../../core/policy.ts';
import { shown } from '../../core/printable.ts';
import type { Time } from '../../core/time.ts';
import type { RedisConnection } from '../redis/connection.ts';
import type { IoredisPlace } from '../redis/ioredis/place.ts';
import type { LimiterAbout } from './about.ts';
import { messageOf, refused } from './error.ts';
import type { PluginScripts } from './scripts.ts';
import type { PluginDecision } from './stated.ts';

export type { PluginScripts } from './scripts.ts';
export type { PluginDecision } from './stated.ts';

/** The exports of a plug-in: an ES module with a limiter for the sample Rating service. */
export interface LimiterPlugin {
  /**
   * Makes the limiter of one region. Each Rating service calls it once and listens when it has resolved. The regions
   * share only Redis.
   */
  createLimiter(options: PluginOptions): PluginLimiter | Promise<PluginLimiter>;
  /**
   * The limit that a run checks: `token-bucket` (of the policy; the default), `fixed-window:100/60s`,
   * `fixed-window:100/60s:epoch`, `:first`, or `sliding-window:100/60s`. It may be a function of the policy. The run calls
   * it before it starts anything; an error ends the run.
   */
  readonly promise?: string | ((policy: Policy) => string);
  /**
   * Whether the limiter enforces `policies` and charges the `costs` of a take. Without it a run with several policies is
   * refused before it starts anything.
   */
  readonly severalPolicies?: boolean;
  /**
   * Whether the limiter can be simulated: it reaches Redis by `scripts`, and takes time and random numbers from its options.
   * Without it `--simulate` is refused. With other clocks or timers the run is no evidence, and warns of them.
   */
  readonly simulated?: boolean;
  /** What the limiter is, for its row of the scoreboard. */
  readonly about?: LimiterAbout;
}

export interface PluginOptions {
  /** The limit of each user: `capacityTokens`, and `refill.tokens` every `refill.perUs` microseconds. */
  readonly policy: Policy;
  /** Several policies by name, of which `policy` is the first: a take charges all of them or none. Absent for one. */
  readonly policies?: Readonly<Record<string, Policy>>;
  /** The cluster as the region reaches it: option `redis` of openclaw-rl's `createLimiter`. */
  readonly redis: RedisConnection;
  /** The same for ioredis. */
  readonly ioredis: IoredisPlace;
  /** The region of the service. */
  readonly region: string;
  /** The required prefix of every key. Each run has another, so every bucket starts full. */
  readonly prefix: string;
  /** The service's clock in milliseconds since 1970; the fault `gateway-clock` changes it. */
  readonly nowMs: () => number;
  /** Runs Lua scripts on the Redis of the region, by a connection of its own. */
  readonly scripts: PluginScripts;
  /** Clocks and timers; the date is that of `nowMs`. In a simulation they are virtual. */
  readonly time: Time;
  /** A random whole number from 1 to `most`, at most 2^48 - 1, each equally likely. In a simulation it is of the seed. */
  readonly randomUpTo: (most: number) => number;
}

export interface PluginLimiter {
  /**
   * Decides one request. An error becomes a 503 reply whose charge is possible, unless the
   * error has the property `charge: 'none'`, which must be certain.
   */
  take(user: string, options: PluginTake): PluginDecision | Promise<PluginDecision>;
  /** Closes connections and timers; the service waits for it. */
  close?(): unknown;
}

export interface PluginTake {
  /** Whole tokens; of several policies, for the first. */
  readonly cost: number;
  /** Of several policies: the whole tokens for each, by name. */
  readonly costs?: Readonly<Record<string, number>>;
}

/** The plug-in's promise for these policies. Throws INVALID_OPTION, also if they are more than it supports. */
export function readPromise(plugin: LimiterPlugin, file: string, policies: readonly NamedPolicy[]): string {
  const text = promiseOf(plugin, file, policies);
  if (policies.length < 2) return text;
  if (plugin.severalPolicies !== true)
    throw refused(
      file,
      `supports one policy; found ${policies.length}: a limiter that enforces all of them exports severalPolicies = true`,
    );
  if (text !== 'token-bucket')
    throw refused(file, `promises ${text}; several policies are judged as token buckets only`);
  return text;
}

function promiseOf(
  { promise = 'token-bucket' }: LimiterPlugin,
  file: string,
  [first]: readonly NamedPolicy[],
): string {
  if (typeof promise === 'string' || first === undefined) return String(promise);
  let text: unknown;
  try {
    text = promise(first.policy);
  } catch (error) {
    throw refused(file, `promise(policy) failed: ${messageOf(error)}`, error);
  }
  if (typeof text === 'string') return text;
  throw refused(file, `promise(policy) must return a string; found ${shown(text)}`);
}

/** The options of a plug-in for these policies. */
export function policyOptions(policies: readonly NamedPolicy[]): Pick<PluginOptions, 'policy' | 'policies'> {
  const [first] = policies;
  if (first === undefined) throw new Error('a plug-in without a policy'); // parsePolicies gives at least one
  const named = byName(policies);
  return { policy: first.policy, ...(named && { policies: named }) };
}
