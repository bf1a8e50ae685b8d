import { makePolicy, type Policy } from '../../../src/core/policy.ts';
import type { Random } from '../../../src/core/prng.ts';

/** One attempt as it reaches the limiter. Times are the simulation's own, in microseconds. */
export interface Attempt {
  readonly bucket: number;
  readonly region: number;
  readonly costTokens: number;
  readonly invokedUs: number;
  /** When the limiter decides, if the request arrives. */
  readonly decidedUs: number;
  readonly completedUs: number;
  readonly lost: 'nothing' | 'request' | 'reply';
  /** Attempts of one decision share it; absent without retries. */
  readonly decisionId?: number;
  /** The gateway sends the request a second time without a word, and answers with what that brings. */
  readonly againUs?: number;
  /** Whether the history says when an unanswered attempt can no longer take effect. */
  readonly isLastKnown: boolean;
}

/** What a run is like; every number of it drawn from the seed. */
export interface Circumstances {
  readonly policy: Policy;
  readonly buckets: number;
  readonly regions: number;
  /** Average demand of a bucket over what it gains. */
  readonly demand: number;
  readonly mostCost: number;
  readonly latencyUs: number;
  readonly lossRate: number;
  readonly retryRate: number;
  readonly doubleRate: number;
  readonly knownRate: number;
  /** Moments of failovers, and how far the replica is behind. */
  readonly failoverEveryUs: number;
  readonly replicationUs: number;
  /** The history begins when this share of the run is over; 0 for full buckets. */
  readonly startShare: number;
  /** Whether decisions say which level they left. */
  readonly hasLevels: boolean;
  /** How fast the limiter's clock runs ahead; where it is not 0, its clock was read during the run. */
  readonly driftPpm: number;
}

const REFILLS = ['1/s', '5/s', '10/s', '100/min', '7/s', '1/7s', '3/1ms', '50/s', '0.3/s'];

/** Draws circumstances. Failovers only where the limiter stands them. */
export function drawCircumstances(random: Random, { failovers }: { failovers: boolean }): Circumstances {
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const capacity = pick([1, 2, 3, 5, 10, 20, 50]);
  const policy = makePolicy(capacity, pick(REFILLS));
  const fillUs = policy.quantaPerToken / policy.quantaPerUs;
  return {
    policy,
    buckets: pick([1, 2, 5]),
    regions: pick([1, 2, 3]),
    demand: pick([0.5, 1, 1.5, 2, 4]),
    mostCost: Math.min(capacity, pick([1, 1, 2, 3])),
    latencyUs: Math.ceil(fillUs * pick([0, 0.05, 0.5, 2, 10])),
    lossRate: pick([0, 0, 0.01, 0.05]),
    retryRate: pick([0, 0.5, 1]),
    doubleRate: pick([0, 0, 0.02]),
    knownRate: pick([0, 1, 1]),
    failoverEveryUs: failovers ? Math.ceil(fillUs * capacity * pick([5, 20, 100])) : Number.POSITIVE_INFINITY,
    replicationUs: Math.ceil(fillUs * pick([0.1, 1])),
    startShare: pick([0, 0, 0.1]),
    hasLevels: pick([true, false]),
    driftPpm: pick([0, 0, 0, 300, -300]),
  };
}

/**
 * Attempts in the order in which the limiter decides them. Demand comes in bursts and pauses, so that buckets
 * are drained and fill up again.
 */
export function drawAttempts(random: Random, circumstances: Circumstances, count: number): Attempt[] {
  const { policy, buckets, regions, demand, mostCost } = circumstances;
  const averageCost = (1 + mostCost) / 2;
  const stepUs = (averageCost * policy.quantaPerToken) / policy.quantaPerUs / demand / buckets;
  const attempts: Attempt[] = [];
  let nowUs = 0;
  let left = 0;
  let pace = 1;
  while (attempts.length < count) {
    if (left-- <= 0) {
      left = Math.floor(random() * 40);
      pace = random() < 0.5 ? 0.1 : 1.9;
    }
    nowUs += 2 * random() * stepUs * pace;
    const request = {
      bucket: Math.floor(random() * buckets),
      region: Math.floor(random() * regions),
      costTokens: 1 + Math.floor(random() * mostCost),
    };
    attempts.push(
      ...attemptsOf(random, circumstances, { ...request, atUs: Math.floor(nowUs), id: attempts.length }),
    );
  }
  return attempts.slice(0, count).sort((a, b) => a.decidedUs - b.decidedUs);
}

function attemptsOf(
  random: Random,
  { latencyUs, lossRate, retryRate, doubleRate, knownRate }: Circumstances,
  { atUs, id, ...request }: { atUs: number; id: number; bucket: number; region: number; costTokens: number },
): Attempt[] {
  const delay = () => Math.floor(random() * random() * 2 * latencyUs);
  const attemptAt = (invokedUs: number, lossRateNow: number): Attempt => {
    const decidedUs = invokedUs + delay();
    const againUs = random() < doubleRate ? decidedUs + delay() : undefined;
    return {
      ...request,
      invokedUs,
      decidedUs,
      completedUs: (againUs ?? decidedUs) + delay(),
      lost: random() < lossRateNow ? (random() < 0.5 ? 'request' : 'reply') : 'nothing',
      isLastKnown: random() < knownRate,
      ...(againUs === undefined ? {} : { againUs }),
    };
  };
  const first = attemptAt(atUs, lossRate);
  if (first.lost === 'nothing' || random() >= retryRate) return [first];
  const second = attemptAt(first.completedUs + latencyUs, lossRate / 2);
  return [first, second].map(({ againUs: _, ...attempt }) => ({ ...attempt, decisionId: id }));
}

/**
 * Whether histories under these circumstances show a defect, by levels or by decisions. Both need a bucket of two tokens
 * or more. Levels need nothing else, decisions need short and unambiguous intervals and a token that takes longer than
 * what is granted for a clock that was not read.
 */
export function showsDefect(
  { policy, latencyUs, hasLevels, doubleRate, lossRate }: Circumstances,
  shownBy?: 'levels' | 'ordered levels' | 'decisions',
): boolean {
  if (policy.capacityTokens < 2) return false;
  const tokenUs = policy.quantaPerToken / policy.quantaPerUs;
  const isShort = latencyUs <= 0.1 * tokenUs;
  const isSharp = isShort && tokenUs >= 10_000 && doubleRate === 0 && lossRate <= 0.01;
  if (shownBy === 'ordered levels') return hasLevels && isShort;
  return (hasLevels && shownBy !== 'decisions') || (isSharp && shownBy !== 'levels');
}
