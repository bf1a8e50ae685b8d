import type { Policy } from '../../../core/policy.ts';
import { timeToFullUs, timeToNextTokenUs } from '../../../core/retry-after.ts';
import type { Time } from '../../../core/time.ts';
import type { Limiter, NamedPolicy, Subject } from '../../limiter.ts';
import { checkCostNames, costOf, onlyPolicyOf, type Policies } from '../../options/policies.ts';
import { readTakeOptions } from '../../options/take-options.ts';
import type { TextPort } from '../../redis/port.ts';
import { loadScript, policyArgs } from '../../redis/script.ts';
import { inabilityOf } from '../unable.ts';
import { regionKeys } from './keys.ts';
import { type MergeRule, type PeerProgress, Replicator, regionNumber } from './replicator.ts';

const { unable, rejecting } = inabilityOf('an active-active limiter');

export interface ActiveActiveOptions extends Policies {
  /** The prefix of every key. */
  readonly prefix: string;
  /** The strategy's name in decisions. */
  readonly strategy: string;
  /** This region's own Redis: one server, or one slot of a cluster. */
  readonly redis: TextPort;
  readonly region: string;
  /** The Redis of each other region by name, as this region reaches it. */
  readonly others: ReadonlyMap<string, TextPort>;
  readonly merge: MergeRule;
  readonly maxAgeMs: number;
  readonly everyMs: number;
  readonly outbox: number;
  readonly time: Time;
}

/** A limiter that also reports the progress of the exchange with each other region. */
export interface ActiveActiveLimiter extends Limiter {
  progressOf(region: string): PeerProgress;
}

/**
 * Each region decides on its own Redis alone, by its own spends and the latest known spends of the others. It needs
 * only its own Redis, so all regions together may admit too much: in any window at most (N-1)(b + r * age) + r *
 * spread of the regions' clocks, with the age that is in the decisions. The age is absent if it is unknown: after a
 * backward step of the region's clock, and after spends may have been lost, for example in a failover of a region's
 * Redis.
 */
export function createActiveActive(options: ActiveActiveOptions): ActiveActiveLimiter {
  const { strategy, redis, others, policy, policiesOf, prefix, merge } = options;
  const maxAgeUs = options.maxAgeMs * 1_000;
  const keys = regionKeys(prefix);
  const { everyMs, time } = options;
  const ask = bucketScript(options, keys);
  const replicator = new Replicator({ redis, others, keys, merge, maxAgeUs, everyMs, time });
  replicator.start();

  return {
    strategy,
    policy,
    policiesOf,
    async take(subject, takeOptions) {
      const { cost, decisionId } = readTakeOptions(takeOptions);
      if (decisionId !== undefined) throw unable('remember decision ids: other regions would not know them');
      const named = onlyPolicyOf(options, subject);
      checkCostNames(cost, [named]);
      const reply = await ask(subject, named, costOf(cost, named));
      const { allowed, levelQuanta, retryAfterUs, atUs, ageUs, node } = reply;
      return {
        allowed,
        remainingTokens: wholeTokens(levelQuanta, named.policy),
        retryAfterUs,
        // Without a level: it is this region's own, and a replay of all decisions cannot reproduce it.
        evidence: { strategy, node, source: 'redis', atUs, ...(ageUs < 0 ? {} : { ageUs }) },
      };
    },
    async peek(subject) {
      const named = onlyPolicyOf(options, subject);
      const { levelQuanta, atUs, node } = await ask(subject, named, 0);
      return {
        levelQuanta,
        remainingTokens: wholeTokens(levelQuanta, named.policy),
        timeToNextTokenUs: untilTokenUs(levelQuanta, named.policy),
        timeToFullUs: timeToFullUs(levelQuanta, named.policy),
        node,
        atUs,
      };
    },
    reserve: rejecting('reserve'),
    refund: rejecting('refund'),
    rehome: rejecting('move a bucket'),
    reset: rejecting('reset a bucket: other regions would empty it again'),
    progressOf: (other) => replicator.progressOf(other),
    ready: () => redis.ready(),
    async close() {
      const ports = [redis, ...others.values()];
      const stopped = replicator.stop();
      await Promise.all(ports.map((port) => port.close())); // ends commands in flight
      await stopped;
    },
  };
}

/** Takes tokens from a subject's bucket in this region; a cost of 0 only reads. */
function bucketScript(
  { redis, region, others, maxAgeMs, outbox, merge }: ActiveActiveOptions,
  keys: ReturnType<typeof regionKeys>,
) {
  const script = loadScript('active-take');
  const ofRegion = [regionNumber(region), others.size, maxAgeMs * 1_000, outbox].map(String);
  return async (subject: Subject, { policy }: NamedPolicy, costTokens: number) => {
    const { values, node } = await redis.run(
      script,
      [keys.region, keys.outbox, keys.bucket(subject)],
      [...policyArgs(policy), String(costTokens * policy.quantaPerToken), ...ofRegion, merge],
    );
    const [allowed = 0, levelQuanta = 0, retryAfterUs = 0, atUs = 0, ageUs = -1] = values;
    return { allowed: allowed === 1, levelQuanta, retryAfterUs, atUs, ageUs, node };
  };
}

/** 0 for a negative level. */
function wholeTokens(levelQuanta: number, { quantaPerToken }: Policy): number {
  return Math.max(0, Math.floor(levelQuanta / quantaPerToken));
}

/** Time until the next whole token; for a negative level, until the level is one token. */
function untilTokenUs(levelQuanta: number, policy: Policy): number {
  if (levelQuanta >= 0) return timeToNextTokenUs(levelQuanta, policy);
  return Math.ceil((policy.quantaPerToken - levelQuanta) / policy.quantaPerUs);
}
