import { type HttpServer, httpReply, startHttpServer } from './http-server.ts';

/** Decides about one request of a key that asks for `cost` tokens. */
export type Decide = (key: string, cost: number) => boolean;

/** A bucket that starts full. */
export interface BucketRule {
  readonly capacity: number;
  readonly perSecond: number;
}

/** So many tokens in each window. */
export interface WindowRule {
  readonly limit: number;
  readonly windowMs: number;
}

/**
 * Correct limiters as services write them, one of each kind, in memory and atomic. Each takes its rule, so one that
 * admits too much is the same limiter with another rule than the one that it is judged by; what is broken in another
 * way is a limiter of its own.
 */
export const HTTP_LIMITERS = {
  /** A bucket on a clock of microseconds, in whole millionths of a token. */
  bucketUs: (rule: BucketRule): Decide => bucket(rule, () => Math.floor(performance.now() * 1_000)),

  /** The same on `Date.now()`, as nearly every JavaScript limiter counts. */
  bucketMs: (rule: BucketRule): Decide => bucket(rule, () => Date.now() * 1_000),

  /** The generic cell rate algorithm: one time for each key, at which it would be full again. */
  gcra: ({ capacity, perSecond }: BucketRule): Decide => {
    const fullAtMs = new Map<string, number>();
    const perTokenMs = 1_000 / perSecond;
    return (key, cost) => {
      const nowMs = Date.now();
      const nextMs = Math.max(nowMs, fullAtMs.get(key) ?? nowMs) + cost * perTokenMs;
      if (nextMs - nowMs > capacity * perTokenMs + ROUNDING_MS) return false;
      fullAtMs.set(key, nextMs);
      return true;
    };
  },

  /** Windows that start at multiples of their length since 1970; or, for a promise to be broken, `laterMs` after that. */
  epochWindow: ({ limit, windowMs, laterMs = 0 }: WindowRule & { readonly laterMs?: number }): Decide => {
    const counts = new Map<string, { window: number; used: number }>();
    return (key, cost) => {
      const window = Math.floor((Date.now() - laterMs) / windowMs);
      const count = counts.get(key);
      const used = (count?.window === window ? count.used : 0) + cost;
      if (used > limit) return false;
      counts.set(key, { window, used });
      return true;
    };
  },

  /** A window starts with the first request of a key that has none, a denied one too. */
  firstWindow: ({ limit, windowMs }: WindowRule): Decide => {
    const counts = new Map<string, { endsAtMs: number; used: number }>();
    return (key, cost) => {
      const nowMs = Date.now();
      const open = counts.get(key);
      const count =
        open !== undefined && nowMs < open.endsAtMs ? open : { endsAtMs: nowMs + windowMs, used: 0 };
      counts.set(key, count);
      if (count.used + cost > limit) return false;
      count.used += cost;
      return true;
    };
  },

  /** Windows of all keys that end together, whenever a timer of this process fires. `stopped` ends the timer. */
  timerWindow: ({ limit, windowMs }: WindowRule, stopped: AbortSignal): Decide => {
    const counts = new Map<string, number>();
    const timer = setInterval(() => counts.clear(), windowMs);
    stopped.addEventListener('abort', () => clearInterval(timer), { once: true });
    return (key, cost) => {
      const used = (counts.get(key) ?? 0) + cost;
      if (used > limit) return false;
      counts.set(key, used);
      return true;
    };
  },

  /** The exact log: what was admitted within the last window. */
  slidingLog: ({ limit, windowMs }: WindowRule): Decide => {
    const logs = new Map<string, number[]>();
    return (key, cost) => {
      const nowMs = Date.now();
      const log = (logs.get(key) ?? []).filter((atMs) => atMs > nowMs - windowMs);
      logs.set(key, log);
      if (log.length + cost > limit) return false;
      for (let token = 0; token < cost; token++) log.push(nowMs);
      return true;
    };
  },
};

/** Sums of fractions of a millisecond are not exact. */
const ROUNDING_MS = 1e-6;

const MICRO = 1_000_000;

function bucket({ capacity, perSecond }: BucketRule, readUs: () => number): Decide {
  const buckets = new Map<string, { micro: number; atUs: number }>();
  return (key, cost) => {
    const nowUs = readUs();
    const { micro, atUs } = buckets.get(key) ?? { micro: capacity * MICRO, atUs: nowUs };
    const level = Math.min(capacity * MICRO, micro + Math.max(0, nowUs - atUs) * perSecond);
    const isAllowed = level >= cost * MICRO;
    buckets.set(key, { micro: isAllowed ? level - cost * MICRO : level, atUs: Math.max(nowUs, atUs) });
    return isAllowed;
  };
}

/**
 * Serves 200 or 429, whose request it is in `x-api-key`, its cost in `x-cost` (1 without), with the `Date` of this
 * machine's clock, as every server sends it.
 */
export function startHttpLimiter(decide: Decide): Promise<HttpServer> {
  return startHttpServer(({ headers }, socket) => {
    const isAllowed = decide(headers['x-api-key'] ?? '', Number(headers['x-cost'] ?? 1));
    socket.write(httpReply(isAllowed ? 200 : 429, '{}', { date: new Date().toUTCString() }));
  });
}
