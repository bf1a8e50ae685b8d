import { invalidOption } from '../../../core/errors.ts';
import { checkKnown, type Known } from '../../../core/known-options.ts';
import { quoted } from '../../../core/printable.ts';
import { noticeAway } from '../../homes/away.ts';
import { checkHomesCluster, type HomesOptions } from '../../homes/homes.ts';
import { readBuckets } from '../../options/buckets.ts';
import { type PolicyOptions, refuseSeveral } from '../../options/policies.ts';
import { type Outside, REAL } from '../../outside.ts';
import { checkReplicaCount } from '../../redis/acks.ts';
import type { Connect } from '../../redis/connect.ts';
import { checkRedis, type RedisConnection } from '../../redis/connection.ts';
import type { RedisSource } from '../../redis/port.ts';
import { Borrower } from './borrower.ts';
import { type HomePort, linkHome } from './home-client.ts';
import { createLeaseOver, type LeaseLimiter } from './lease.ts';
import { clockMarginUs, DEFAULT_LEASE_MS, DEFAULT_MARGIN_MS, termsByPolicy } from './terms.ts';

/** How long tokens are lent. All processes that limit the same subjects must use the same values. */
export interface LendingOptions {
  /**
   * How long a process may spend lent tokens. A process without Redis decides for at most this time. Tokens lent to a
   * process that died are lost until `leaseMs + marginMs` have passed. Milliseconds, 1 to 3600000. Default 4000.
   */
  readonly leaseMs?: number;
  /**
   * How much longer Redis waits before it ends a lease. It must cover a forward step of the Redis clock and the drift of
   * the process's clock within a lease. Milliseconds, from a thousandth of `leaseMs` to 3600000. Default 500.
   */
  readonly marginMs?: number;
}

const KNOWN_TIMES: Known<LendingOptions> = { leaseMs: true, marginMs: true };

/** The options of `createLease`. */
export type LeaseOptions = PolicyOptions & {
  readonly redis: RedisConnection | RedisSource;
  /** The prefix of every key: 1 to 128 letters, digits and `_ . : / -`. Default `rate:openclaw`. */
  readonly prefix?: string;
  /**
   * The number of promotable replicas of each primary, 0 to 100. Lent tokens can be spent once all of them have the loan,
   * so no failover loses it. 0: loans do not wait, and a failover may lose them.
   */
  readonly replicas: number;
  readonly lease?: LendingOptions;
  /** The region of each bucket; only with a cluster. Default none. */
  readonly homes?: HomesOptions;
};

const KNOWN: Known<LeaseOptions> = {
  policy: true,
  policies: true,
  overrides: true,
  redis: true,
  prefix: true,
  replicas: true,
  lease: true,
  homes: true,
};

/**
 * Makes a limiter that borrows tokens in batches and decides in memory while they last; `tryTake` decides synchronously.
 * Starts to connect to Redis. Throws INVALID_POLICY or INVALID_OPTION.
 */
export function createLease(options: LeaseOptions): LeaseLimiter {
  checkRedis(options?.redis);
  const isAround = 'onFailure' in options || 'shadow' in options;
  checkKnown(options, {
    of: 'createLease',
    known: KNOWN,
    ...(isAround && { hint: "use createLimiter({ strategy: 'lease', ... }), which has no tryTake" }),
  });
  checkHomesCluster(options);
  const limiter = openLease('lease', options, REAL);
  return options.homes === undefined ? limiter : noticeAway(limiter, options.homes);
}

/** The options of `createLimiter` that these strategies use. */
interface OpenOptions extends Partial<Pick<LeaseOptions, 'replicas'>> {
  readonly redis: RedisConnection | RedisSource;
  readonly prefix?: string;
  readonly lease?: LendingOptions;
  readonly homes?: HomesOptions;
  readonly batch?: boolean;
  readonly localAnswers?: unknown;
}

/** The same for `createLimiter`. */
export function openLease(
  strategy: string,
  options: PolicyOptions & OpenOptions,
  { surroundings, connect }: Outside,
): LeaseLimiter {
  const { replicas, lease = {} } = options;
  if (replicas === undefined)
    throw invalidOption(
      `strategy ${strategy} requires option replicas`,
      'set replicas: 1, or 0 if there are none',
    );
  checkKnown(lease, {
    of: 'lease',
    known: KNOWN_TIMES,
    hint: `use lease: { leaseMs: ${DEFAULT_LEASE_MS}, marginMs: ${DEFAULT_MARGIN_MS} }`,
  });
  refuseSeveral(strategy, options);
  const times = readTimes(lease);
  const { time } = surroundings;
  const buckets = readBuckets(options);
  const port = openHome(options.redis, replicas, connect);
  const home = linkHome(port, buckets.keyOf);
  const termsOf = termsByPolicy(times);
  const holder = surroundings.randomUpTo(MOST_HOLDERS);
  const borrower = new Borrower({ strategy, home, termsOf, holder, leaseUs: times.leaseUs, time });
  const run = port.grants === 'acked' ? port.redis.runAcked : port.redis.run;
  return createLeaseOver({ strategy, home, borrower, termsOf, run, time, ...buckets });
}

/** Among a thousand processes two draw the same number once in half a billion times. */
const MOST_HOLDERS = 2 ** 48 - 2;

/** Few, since requests that no take waits for are sent together; enough that one with a waiting take finds a free one. */
const LANES = 4;

function openHome(redis: RedisConnection | RedisSource, replicas: number, connect: Connect): HomePort {
  const isSource = 'open' in redis;
  if (checkReplicaCount(replicas, { least: 0 }) === 0)
    return { grants: 'unacked', redis: isSource ? redis.open() : connect.plain(redis) };
  const acks = { replicas, lanes: LANES };
  return { grants: 'acked', redis: isSource ? redis.openAcked(acks) : connect.acked(redis, acks) };
}

const MOST_LEASE_MS = 3_600_000;

function readTimes({ leaseMs = DEFAULT_LEASE_MS, marginMs = DEFAULT_MARGIN_MS }: LendingOptions) {
  for (const ms of [leaseMs, marginMs]) {
    if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_LEASE_MS) continue;
    throw invalidOption(
      `leaseMs and marginMs must be 1 to ${MOST_LEASE_MS} whole milliseconds; found ${quoted(ms)}`,
      `the defaults are ${DEFAULT_LEASE_MS} and ${DEFAULT_MARGIN_MS}`,
    );
  }
  const times = { leaseUs: leaseMs * 1_000, marginUs: marginMs * 1_000 };
  if (clockMarginUs(times) >= 0) return times;
  throw invalidOption(
    `marginMs ${marginMs} is less than a clock may lose in a lease of ${leaseMs} ms`,
    'set marginMs to at least a thousandth of leaseMs',
  );
}
