import type { Decision } from '../../core/decision.ts';
import { type Charge, OpenclawError } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { pluginName } from '../../core/plugin-name.ts';
import type { NamedPolicy } from '../../core/policies.ts';
import { shown } from '../../core/printable.ts';
import type { Time } from '../../core/time.ts';
import type { Cost, Limiter } from '../limiter.ts';
import { checkCostNames, costOf } from '../options/policies.ts';
import { type Outside, REAL } from '../outside.ts';
import { placeIoredis } from '../redis/ioredis/place.ts';
import { messageOf, refused } from './error.ts';
import { type LoadOptions, loadPlugin } from './load.ts';
import {
  type LimiterPlugin,
  type PluginDecision,
  type PluginLimiter,
  type PluginOptions,
  type PluginTake,
  policyOptions,
  readPromise,
} from './plugin.ts';
import { pluginScripts } from './scripts.ts';
import { areAmounts, readStated } from './stated.ts';

type Given = Pick<PluginOptions, 'redis' | 'region' | 'prefix' | 'nowMs'>;

interface GivenPolicies extends Given {
  readonly policies: readonly NamedPolicy[];
}

/** Makes the limiter of the plug-in at this absolute path. Throws INVALID_OPTION. */
export async function openPlugin(
  file: string,
  { host, ...options }: GivenPolicies & Pick<LoadOptions, 'host'>,
  outside = REAL,
): Promise<Limiter> {
  return openLoaded(await loadPlugin(file, given({ host })), file, options, outside);
}

/** Makes the limiter of a plug-in that was loaded from this file. Throws INVALID_OPTION. */
export async function openLoaded(
  plugin: LimiterPlugin,
  file: string,
  { policies, ...options }: GivenPolicies,
  { surroundings, connect }: Outside,
): Promise<Limiter> {
  if (policies.length > 1) readPromise(plugin, file, policies);
  const ioredis = placeIoredis(options.redis);
  const lua = pluginScripts(pluginName(file), () => connect.plain(options.redis));
  const pluginOptions: PluginOptions = {
    ...{ ...options, ...policyOptions(policies), ioredis },
    scripts: lua.scripts,
    time: withDate(surroundings.time, options.nowMs),
    randomUpTo: (most) => surroundings.randomUpTo(most),
  };
  if (plugin.simulated) lua.open(); // it is going to use it
  try {
    const made: unknown = await startOf(file, () => plugin.createLimiter(pluginOptions));
    return asLimiter(checkLimiter(file, made), { file, policies, lua });
  } catch (error) {
    await lua.close();
    throw error;
  }
}

/** These clocks and timers, with the date of a service's clock. */
function withDate(time: Time, dateMs: () => number): Time {
  return {
    dateMs,
    nowUs: () => time.nowUs(),
    after: (ms, call, how) => time.after(ms, uncaughtIn(call), how),
    every: (ms, call) => time.every(ms, uncaughtIn(call)),
    soon: (call) => time.soon(uncaughtIn(call)),
  };
}

/** What this throws is uncaught: the error of the plug-in, also where the caller of timers would reject with it. */
function uncaughtIn(call: () => void): () => void {
  return () => {
    try {
      call();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}

async function startOf(file: string, start: () => unknown): Promise<unknown> {
  try {
    return await start();
  } catch (error) {
    throw error instanceof OpenclawError
      ? error
      : refused(file, `failed to start: ${messageOf(error)}`, error);
  }
}

function checkLimiter(file: string, made: unknown): PluginLimiter {
  const { take, close } = (made ?? {}) as Partial<PluginLimiter>;
  if (typeof take !== 'function')
    throw refused(file, `createLimiter must return an object with a function take; found ${shown(made)}`);
  if (close !== undefined && typeof close !== 'function')
    throw refused(file, `close of the limiter must be a function; found ${shown(close)}`);
  return made as PluginLimiter;
}

/** Adapts a plug-in to the Limiter interface; only `take` is supported. */
function asLimiter(
  plugin: PluginLimiter,
  {
    file,
    policies,
    lua,
  }: {
    readonly file: string;
    readonly policies: readonly NamedPolicy[];
    readonly lua: { close(): Promise<void> };
  },
): Limiter {
  const strategy = pluginName(file);
  const { policy } = policyOptions(policies);
  const isOne = policies.length === 1;
  const named = isOne ? [{ name: 'default', policy }] : policies;
  const unable = async (): Promise<never> => {
    throw new OpenclawError('INVALID_OPTION', `${strategy} supports only take, without a decision id`);
  };
  return {
    strategy,
    policy,
    policiesOf: () => named,
    async take({ user }, { cost = 1, decisionId } = {}) {
      if (decisionId !== undefined || (isOne && typeof cost !== 'number')) return unable();
      const asked = readTake(cost, named);
      try {
        return readDecision(await plugin.take(user, asked), strategy);
      } catch (error) {
        throw error instanceof OpenclawError ? error : undecided(strategy, error);
      }
    },
    peek: unable,
    refund: unable,
    reserve: unable,
    rehome: unable,
    reset: unable,
    ready: async () => {},
    async close() {
      try {
        await plugin.close?.();
      } finally {
        await lua.close();
      }
    },
  };
}

function readTake(cost: Cost, policies: readonly NamedPolicy[]): PluginTake {
  if (policies.length === 1 && typeof cost === 'number') return { cost }; // the plug-in checks it itself
  checkCostNames(cost, policies);
  const costs = policies.map((named) => [named.name, costOf(cost, named)] as const);
  return { cost: costs[0]?.[1] ?? 1, costs: Object.fromEntries(costs) };
}

function readDecision(answer: PluginDecision, strategy: string): Decision {
  const { allowed, retryAfterMs, remaining } = answer ?? {};
  if (typeof allowed !== 'boolean' || !areAmounts(answer))
    throw new OpenclawError(
      'LIMITER_FAILED',
      `${strategy}: take must return { allowed: true or false, retryAfterMs?, remaining?, resetMs? }, numbers of at least 0; found ${shown(answer)}`,
    );
  return {
    allowed,
    ...(remaining !== undefined && { remainingTokens: Math.floor(remaining) }),
    ...(retryAfterMs !== undefined && { retryAfterUs: Math.ceil(retryAfterMs * 1_000) }),
    evidence: { strategy, node: 'none', source: 'redis' },
    stated: readStated(answer),
  };
}

function undecided(strategy: string, error: unknown): OpenclawError {
  const { charge } = (error ?? {}) as { charge?: Charge };
  const code = charge === 'none' ? 'LIMITER_REFUSED' : 'LIMITER_FAILED';
  return new OpenclawError(code, `${strategy}: ${messageOf(error)}`, { cause: error });
}
