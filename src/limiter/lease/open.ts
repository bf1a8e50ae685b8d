import { randomInt } from 'node:crypto';
import { OpenclawError, quoted } from '../../core/errors.ts';
import { checkReplicaCount } from '../acks.ts';
import { connectAcked, connectIoredis } from '../ioredis-open.ts';
import { checkPrefix, DEFAULT_PREFIX } from '../key.ts';
import { checkKnown, type Known } from '../known-options.ts';
import { type PolicyOptions, readPolicies, refuseSeveral } from '../policies.ts';
import { checkRedis, type RedisConnection } from '../redis-connection.ts';
import type { RedisSource } from '../redis-port.ts';
import { Borrower } from './borrower.ts';
import { type HomePort, linkHome } from './home-link.ts';
import { createLeaseOver, type LeaseLimiter } from './lease.ts';
import { clockMarginUs, DEFAULT_LEASE_MS, DEFAULT_MARGIN_MS, termsByPolicy } from './terms.ts';

/** For how long tokens are lent. The same for all processes that decide about the same subjects. */
export interface LendingOptions {
  /**
   * How long what was lent may be spent. A process that is cut off goes on so long at most; what one that died had
   * borrowed is missing so long, and the margin. Milliseconds, default 4000.
   */
  readonly leaseMs?: number;
  /**
   * How much longer home waits before it takes back: as much as its clock may step ahead within a lease, and what the
   * clock of a process may lose in one. Milliseconds, default 500.
   */
  readonly marginMs?: number;
}

const KNOWN_TIMES: Known<LendingOptions> = { leaseMs: true, marginMs: true };

/** What `createLease` takes. */
export type LeaseOptions = PolicyOptions & {
  readonly redis: RedisConnection | RedisSource;
  /** What every key starts with. Default `rate:openclaw`. */
  readonly prefix?: string;
  /**
   * How many replicas each primary has that could be promoted in its place: what is lent is spent once all of them know
   * of it, so that no failover forgets a loan. 0 where there are none, or where a failover may cost what it costs
   * `central`.
   */
  readonly replicas: number;
  readonly lease?: LendingOptions;
};

const KNOWN: Known<LeaseOptions> = {
  policy: true,
  policies: true,
  overrides: true,
  redis: true,
  prefix: true,
  replicas: true,
  lease: true,
};

/**
 * A limiter that borrows tokens in batches and decides in memory while they last: `tryTake` without waiting. Starts to
 * connect. Throws INVALID_POLICY or INVALID_OPTION.
 */
export function createLease(options: LeaseOptions): LeaseLimiter {
  checkRedis(options?.redis);
  const isAround = 'onFailure' in options || 'shadow' in options;
  checkKnown(options, {
    of: 'createLease',
    known: KNOWN,
    ...(isAround && { hint: "use createLimiter({ strategy: 'lease', ... }), which has no tryTake" }),
  });
  return openLease('lease', options);
}

/** What `createLimiter` takes, as far as these strategies use it. */
interface OpenOptions extends Partial<Pick<LeaseOptions, 'replicas'>> {
  readonly redis: RedisConnection | RedisSource;
  readonly prefix?: string;
  readonly lease?: LendingOptions;
  readonly batch?: boolean;
  readonly localAnswers?: unknown;
}

/** The same, as `createLimiter` makes it. */
export function openLease(strategy: string, options: PolicyOptions & OpenOptions): LeaseLimiter {
  const { replicas, lease = {} } = options;
  if (replicas === undefined)
    throw new OpenclawError(
      'INVALID_OPTION',
      `strategy ${strategy} must be told how many replicas there are`,
      {
        hint: 'give replicas: 1, or 0 where there are none',
      },
    );
  checkKnown(lease, {
    of: 'lease',
    known: KNOWN_TIMES,
    hint: `write lease: { leaseMs: ${DEFAULT_LEASE_MS}, marginMs: ${DEFAULT_MARGIN_MS} }`,
  });
  refuseSeveral(strategy, options);
  const times = readTimes(lease);
  const { first, policiesOf } = readPolicies(options);
  const prefix = checkPrefix(options.prefix ?? DEFAULT_PREFIX);
  const home = linkHome(openHome(options.redis, replicas), prefix);
  const termsOf = termsByPolicy(times);
  const holder = randomInt(1, MOST_HOLDERS);
  const borrower = new Borrower({ strategy, home, termsOf, holder, leaseUs: times.leaseUs });
  return createLeaseOver({ strategy, home, borrower, policy: first, policiesOf, termsOf });
}

/** What `randomInt` can draw from: two of a thousand processes have one number once in half a billion times. */
const MOST_HOLDERS = 2 ** 48 - 1;

/** Borrowing is ahead of need: a grant can wait for the next WAIT, and fewer of them go to Redis. */
const LANES = 2;

function openHome(redis: RedisConnection | RedisSource, replicas: number): HomePort {
  const isSource = 'open' in redis;
  if (checkReplicaCount(replicas, { least: 0 }) === 0)
    return { grants: 'unacked', redis: isSource ? redis.open() : connectIoredis(redis) };
  const acks = { replicas, lanes: LANES };
  return { grants: 'acked', redis: isSource ? redis.openAcked(acks) : connectAcked(redis, acks) };
}

const MOST_LEASE_MS = 3_600_000;

function readTimes({ leaseMs = DEFAULT_LEASE_MS, marginMs = DEFAULT_MARGIN_MS }: LendingOptions) {
  for (const ms of [leaseMs, marginMs]) {
    if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_LEASE_MS) continue;
    throw new OpenclawError(
      'INVALID_OPTION',
      `a lease and its margin are 1 to ${MOST_LEASE_MS} whole milliseconds; found ${quoted(ms)}`,
      { hint: `the defaults are ${DEFAULT_LEASE_MS} and ${DEFAULT_MARGIN_MS}` },
    );
  }
  const times = { leaseUs: leaseMs * 1_000, marginUs: marginMs * 1_000 };
  if (clockMarginUs(times) >= 0) return times;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a margin of ${marginMs} ms is less than a clock may lose in a lease of ${leaseMs} ms`,
    { hint: 'make it a thousandth of the lease at least' },
  );
}
