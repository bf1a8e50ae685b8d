import { pathToFileURL } from 'node:url';
import { quoted } from '../core/errors.ts';
import type { Policy } from '../core/policy.ts';
import type { IoredisPlace } from './ioredis-place.ts';
import { messageOf, notLoaded, refused } from './plugin-error.ts';
import type { RedisConnection } from './redis-connection.ts';

/** A limiter of somebody's own behind the sample Rating service: an ES module that exports this, found by its file. */
export interface LimiterPlugin {
  /**
   * Called once by each Rating service, which begins to listen when it has resolved. It gives a limiter of its own to
   * each region; what they share is in Redis.
   */
  createLimiter(options: PluginOptions): PluginLimiter | Promise<PluginLimiter>;
  /**
   * What the limiter claims to enforce, by which a run judges it: `token-bucket` (of the policy; the default),
   * `fixed-window:100/60s`, `fixed-window:100/60s:epoch`, `:first`, or `sliding-window:100/60s`. A function of the
   * policy where it depends on it. Asked for before anything is started: an error it throws is shown, and ends the run.
   */
  readonly promise?: string | ((policy: Policy) => string);
}

export interface PluginOptions {
  /** What each user may do: `capacityTokens`, and `refill.tokens` every `refill.perUs` microseconds. */
  readonly policy: Policy;
  /** The cluster as the region sees it, in the form that `createLimiter` of openclaw-rl takes. */
  readonly redis: RedisConnection;
  /** The same for a client of ioredis. A client that ignores it is in no region: no latency and no fault reaches it. */
  readonly ioredis: IoredisPlace;
  /** The region of the service. */
  readonly region: string;
  /** What every key has to start with: that of a run is its own, so that every bucket begins full. */
  readonly prefix: string;
  /** Milliseconds since 1970 by the service's clock, which the fault `gateway-clock` sets wrong. */
  readonly nowMs: () => number;
}

export interface PluginLimiter {
  /**
   * Decides about one request. What it throws is answered with 503, and counts as possibly charged unless the error
   * has the property `charge: 'none'`, which must be a certainty.
   */
  take(user: string, options: { readonly cost: number }): PluginDecision | Promise<PluginDecision>;
  /** Ends its connections and timers; the service waits for it. */
  close?(): unknown;
}

export interface PluginDecision {
  readonly allowed: boolean;
  /** Of a denial: until another try can succeed. */
  readonly retryAfterMs?: number;
  /** Whole tokens, requests or points that are left. */
  readonly remaining?: number;
}

/** Imports a plug-in. `file` is absolute. Throws INVALID_OPTION where it is none, and says why. */
export async function loadPlugin(file: string): Promise<LimiterPlugin> {
  const module: Partial<LimiterPlugin> = await import(pathToFileURL(file).href).catch(
    async (error: unknown) => {
      throw await notLoaded(file, error);
    },
  );
  const { createLimiter, promise } = module;
  if (typeof createLimiter !== 'function')
    throw refused(file, `must export a function createLimiter; ${foundIn(module)}`);
  if (promise !== undefined && typeof promise !== 'string' && typeof promise !== 'function')
    throw refused(file, `promise must be text or a function of the policy; found ${shown(promise)}`);
  return { createLimiter, ...(promise !== undefined && { promise }) };
}

/** The text of what a plug-in promises for this policy. Throws INVALID_OPTION. */
export function promiseOf({ promise = 'token-bucket' }: LimiterPlugin, file: string, policy: Policy): string {
  if (typeof promise === 'string') return promise;
  let text: unknown;
  try {
    text = promise(policy);
  } catch (error) {
    throw refused(file, `promises nothing for this policy: ${messageOf(error)}`, error);
  }
  if (typeof text === 'string') return text;
  throw refused(file, `promise(policy) must give text; found ${shown(text)}`);
}

/** What was found in the place of something else. An object may be anything, a client that refers to itself too. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (value instanceof Promise) return 'a promise';
  return typeof value === 'object' && value !== null ? `an object with ${namesOf(value)}` : quoted(value);
}

function foundIn(module: Partial<LimiterPlugin>): string {
  return 'createLimiter' in module ? `found ${shown(module.createLimiter)}` : `it exports ${namesOf(module)}`;
}

function namesOf(module: object): string {
  const names = Object.keys(module);
  return names.length === 0 ? 'nothing' : names.map(quoted).join(', ');
}
