import { type BucketRule, HTTP_LIMITERS, type WindowRule } from './http-limiters.ts';
import { type HttpServer, httpReply, startHttpServer } from './http-server.ts';

/** Decides about one request, at once or later. */
export type BrokenDecide = (request: {
  readonly key: string;
  /** The connection that carried it, counted from 0. */
  readonly connection: number;
  /** Requests so far, of all keys. */
  readonly serial: number;
}) => boolean | Promise<boolean>;

/** Limiters as services write them, each wrong in one way. The rule is the one that they are judged by. */
export const BROKEN_HTTP_LIMITERS = {
  'holds one token more': (rule: BucketRule): BrokenDecide => {
    const decide = HTTP_LIMITERS.bucketMs({ ...rule, capacity: rule.capacity + 1 });
    return ({ key }) => decide(key, 1);
  },

  'refills 5% too fast': (rule: BucketRule): BrokenDecide => {
    const decide = HTTP_LIMITERS.bucketMs({ ...rule, perSecond: rule.perSecond * 1.05 });
    return ({ key }) => decide(key, 1);
  },

  'denies for a second after the first denial': (rule: BucketRule): BrokenDecide => {
    const decide = HTTP_LIMITERS.bucketMs(rule);
    const untilMs = new Map<string, number>();
    return ({ key }) => {
      if (Date.now() < (untilMs.get(key) ?? 0)) return false;
      const isAllowed = decide(key, 1);
      if (!isAllowed) untilMs.set(key, Date.now() + 1_000 + 2_000 / rule.perSecond);
      return isAllowed;
    };
  },

  'loses every tenth write': (rule: BucketRule): BrokenDecide => levels(rule, { losesEvery: 10 }),

  'loses every hundredth write': (rule: BucketRule): BrokenDecide => levels(rule, { losesEvery: 100 }),

  'counts in whole seconds': (rule: BucketRule): BrokenDecide => levels(rule, { unitMs: 1_000 }),

  'charges what it denies': (rule: BucketRule): BrokenDecide => levels(rule, { chargesDenials: true }),

  'forgets a key after a rest of a quarter of the time to full': (rule: BucketRule): BrokenDecide =>
    levels(rule, { forgetsAfterMs: (250 * rule.capacity) / rule.perSecond }),

  'has a bucket for each connection': (rule: BucketRule): BrokenDecide => {
    const decide = HTTP_LIMITERS.bucketMs(rule);
    return ({ key, connection }) => decide(`${key} ${connection}`, 1);
  },

  'runs as two instances that share nothing': (rule: BucketRule): BrokenDecide => {
    const decide = HTTP_LIMITERS.bucketMs(rule);
    return ({ key, serial }) => decide(`${key} ${serial % 2}`, 1);
  },

  'checks, and charges 5 ms later': (rule: BucketRule): BrokenDecide => {
    const { capacity, perSecond } = rule;
    const buckets = new Map<string, { level: number; atMs: number }>();
    const levelOf = (key: string) => {
      const { level, atMs } = buckets.get(key) ?? { level: capacity, atMs: Date.now() };
      return Math.min(capacity, level + ((Date.now() - atMs) * perSecond) / 1_000);
    };
    return async ({ key }) => {
      if (levelOf(key) < 1) return false;
      await new Promise((done) => setTimeout(done, 5));
      buckets.set(key, { level: levelOf(key) - 1, atMs: Date.now() });
      return true;
    };
  },
} satisfies Readonly<Record<string, (rule: BucketRule) => BrokenDecide>>;

/** The same for windows; `promised` says as what they are judged. */
export const BROKEN_HTTP_WINDOWS = {
  'a sliding log that is a fixed window': (rule: WindowRule): BrokenDecide =>
    once(HTTP_LIMITERS.epochWindow(rule)),

  'admits one more in a window of the epoch': (rule: WindowRule): BrokenDecide =>
    once(HTTP_LIMITERS.epochWindow({ ...rule, limit: rule.limit + 1 })),

  'admits one more in a window that a request starts': (rule: WindowRule): BrokenDecide =>
    once(HTTP_LIMITERS.firstWindow({ ...rule, limit: rule.limit + 1 })),

  'admits one more in a sliding window': (rule: WindowRule): BrokenDecide =>
    once(HTTP_LIMITERS.slidingLog({ ...rule, limit: rule.limit + 1 })),

  'ends its windows a tenth too early': (rule: WindowRule): BrokenDecide =>
    once(HTTP_LIMITERS.firstWindow({ ...rule, windowMs: 0.9 * rule.windowMs })),
} satisfies Readonly<Record<string, (rule: WindowRule) => BrokenDecide>>;

function once(decide: (key: string, cost: number) => boolean): BrokenDecide {
  return ({ key }) => decide(key, 1);
}

interface Bug {
  readonly losesEvery?: number;
  readonly unitMs?: number;
  readonly chargesDenials?: true;
  readonly forgetsAfterMs?: number;
}

/** A bucket of tokens and fractions. */
function levels({ capacity, perSecond }: BucketRule, bug: Bug): BrokenDecide {
  const buckets = new Map<string, { level: number; atMs: number; seenMs: number }>();
  let writes = 0;
  return ({ key }) => {
    const { unitMs = 1, losesEvery, chargesDenials, forgetsAfterMs = Number.POSITIVE_INFINITY } = bug;
    const nowMs = Math.floor(Date.now() / unitMs) * unitMs;
    const known = buckets.get(key);
    const isThere = known !== undefined && nowMs - known.seenMs < forgetsAfterMs;
    const { level: before, atMs } = isThere ? known : { level: capacity, atMs: nowMs };
    const level = Math.min(capacity, before + ((nowMs - atMs) * perSecond) / 1_000);
    const isAllowed = level >= 1;
    const left = isAllowed ? level - 1 : Math.max(0, level - (chargesDenials ? 1 : 0));
    if (isAllowed && losesEvery !== undefined && ++writes % losesEvery === 0) return true;
    buckets.set(key, { level: left, atMs: nowMs, seenMs: nowMs });
    return isAllowed;
  };
}

/** Serves 200 or 429, whose request it is in `x-api-key`. */
export function startBrokenLimiter(decide: BrokenDecide): Promise<HttpServer> {
  return startHttpServer(async ({ headers, connection, serial }, socket) => {
    const isAllowed = await decide({ key: headers['x-api-key'] ?? '', connection, serial });
    if (socket.writable) socket.write(httpReply(isAllowed ? 200 : 429));
  });
}
