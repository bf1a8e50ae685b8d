import { timeToFullUs, timeToNextTokenUs } from '../../core/bucket.ts';
import { OpenclawError } from '../../core/errors.ts';
import type { Policy } from '../../core/policy.ts';
import type { Limiter, NamedPolicy, Subject } from '../limiter.ts';
import { checkCostNames, costOf, type PoliciesOf } from '../policies.ts';
import type { TextPort } from '../redis-port.ts';
import { loadScript } from '../script.ts';
import { policyArgs } from '../script-args.ts';
import { readTakeOptions } from '../take-options.ts';
import { regionKeys } from './keys.ts';
import { type MergeRule, type PeerProgress, Replicator, regionNumber } from './replicator.ts';

export interface ActiveActiveOptions {
  /** What decisions are signed with. */
  readonly strategy: string;
  /** This region's own Redis: one server, or one slot of a cluster. */
  readonly redis: TextPort;
  readonly region: string;
  /** The Redis of every other region, by its name, as it is reached from this one. */
  readonly others: ReadonlyMap<string, TextPort>;
  readonly policy: Policy;
  readonly policiesOf: PoliciesOf;
  readonly prefix: string;
  readonly merge: MergeRule;
  readonly maxAgeMs: number;
  readonly everyMs: number;
  readonly outbox: number;
}

/** A limiter that also tells how far it is with each other region. */
export interface ActiveActiveLimiter extends Limiter {
  progressOf(region: string): PeerProgress;
}

/**
 * Each region decides on its own Redis alone, by all that it knows: what it spent itself, and what the others had spent
 * when it last heard of them. So it decides as fast and as long as its own Redis answers, and all regions together may
 * admit too much: in any window at most (N-1)(b + r * age) + r * spread of the regions' clocks, with the age that the
 * decisions tell. They tell none where it is not known: after a step back of the region's clock, and where spends may have
 * been lost, as by a failover of a region's Redis.
 */
export function createActiveActive(options: ActiveActiveOptions): ActiveActiveLimiter {
  const { strategy, redis, region, others, policy, policiesOf, prefix, merge } = options;
  const maxAgeUs = options.maxAgeMs * 1_000;
  const keys = regionKeys(prefix);
  const script = loadScript('active-take');
  const { everyMs } = options;
  const replicator = new Replicator({ redis, others, keys, merge, maxAgeUs, everyMs });
  replicator.start();

  /** A cost of 0 only looks. */
  async function ask(subject: Subject, { policy: asked }: NamedPolicy, costTokens: number) {
    const { values, node } = await redis.run(
      script,
      [keys.region, keys.outbox, keys.bucket(subject)],
      [
        ...policyArgs(asked),
        String(costTokens * asked.quantaPerToken),
        ...[regionNumber(region), others.size, maxAgeUs, options.outbox].map(String),
        merge,
      ],
    );
    const [allowed = 0, levelQuanta = 0, retryAfterUs = 0, atUs = 0, ageUs = -1] = values;
    return { allowed: allowed === 1, levelQuanta, retryAfterUs, atUs, ageUs, node };
  }

  return {
    strategy,
    policy,
    policiesOf,
    async take(subject, options) {
      const { cost, decisionId } = readTakeOptions(options);
      if (decisionId !== undefined) throw unable('remember decisions: another region would not know of them');
      const named = onlyOf(policiesOf(subject));
      checkCostNames(cost, [named]);
      const reply = await ask(subject, named, costOf(cost, named));
      const { allowed, levelQuanta, retryAfterUs, atUs, ageUs, node } = reply;
      return {
        allowed,
        remainingTokens: wholeTokens(levelQuanta, named.policy),
        retryAfterUs,
        // Without a level: it is this region's own, and no replay of all decisions gives it.
        evidence: { strategy, node, source: 'redis', atUs, ...(ageUs < 0 ? {} : { ageUs }) },
      };
    },
    async peek(subject) {
      const named = onlyOf(policiesOf(subject));
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
    async refund() {
      throw unable('give tokens back');
    },
    async reset() {
      throw unable('fill a bucket: other regions would empty it again');
    },
    progressOf: (other) => replicator.progressOf(other),
    ready: () => redis.ready(),
    async close() {
      const ports = [redis, ...others.values()];
      const stopped = replicator.stop();
      await Promise.all(ports.map((port) => port.close())); // which ends what is under way
      await stopped;
    },
  };
}

function onlyOf([named]: readonly NamedPolicy[]): NamedPolicy {
  if (named === undefined) throw new Error('a limiter without a policy'); // readPolicies refuses it
  return named;
}

/** In debt there are none. */
function wholeTokens(levelQuanta: number, { quantaPerToken }: Policy): number {
  return Math.max(0, Math.floor(levelQuanta / quantaPerToken));
}

/** In debt it is the first that the bucket holds again. */
function untilTokenUs(levelQuanta: number, policy: Policy): number {
  if (levelQuanta >= 0) return timeToNextTokenUs(levelQuanta, policy);
  return Math.ceil((policy.quantaPerToken - levelQuanta) / policy.quantaPerUs);
}

function unable(what: string): OpenclawError {
  return new OpenclawError('INVALID_OPTION', `regions that decide side by side cannot ${what}`, {
    hint: 'use strategy central',
  });
}
