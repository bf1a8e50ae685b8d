import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../src/checker/check.ts';
import { parseClaim } from '../../src/checker/claims/claim.ts';
import { makeRandom } from '../../src/core/prng.ts';
import { planUsers } from '../../src/load/drawn-users.ts';
import { makeUserDraw, type Resting } from '../../src/load/users.ts';
import { historyOf, type OperationPart } from '../support/history.ts';

const POLICY = '20:5/s';
/** In microseconds of refill, so that levels are whole. */
const [TOKEN, CAPACITY] = [200_000, 4_000_000];
const NEVER = Number.POSITIVE_INFINITY;
const RESTING: Resting = { share: 0.1, restMs: 4_000, burstMs: 500 };

/** Buckets whose keys expire so long after the last admission; a bucket takes 4 s to be full. */
function makeLimiter(expiresUs: number): (user: string, nowUs: number) => boolean {
  const buckets = new Map<string, { level: number; updatedUs: number; admittedUs: number }>();
  return (user, nowUs) => {
    const known = buckets.get(user);
    const isGone = known === undefined || nowUs - known.admittedUs > expiresUs;
    const bucket = isGone ? { level: CAPACITY, updatedUs: nowUs, admittedUs: nowUs } : known;
    const level = Math.min(CAPACITY, bucket.level + nowUs - bucket.updatedUs);
    const isAllowed = level >= TOKEN;
    const admittedUs = isAllowed ? nowUs : bucket.admittedUs;
    buckets.set(user, { level: isAllowed ? level - TOKEN : level, updatedUs: nowUs, admittedUs });
    return isAllowed;
  };
}

/** What 20 s of the load of `bench` show of it, with one request of 50 users each millisecond. */
function verdictOf(expiresUs: number, resting: Resting | undefined, seed: number) {
  const shape = { seed, regions: ['r'], users: 50, skew: 0.7, roaming: 0, rampMs: 2_000 };
  const draw = makeUserDraw(planUsers({ ...shape, ...(resting && { resting }) }), 'r');
  const [random, take] = [makeRandom(seed, 'draws'), makeLimiter(expiresUs)];
  const operations = Array.from({ length: 20_000 }, (_, ms): OperationPart => {
    const { name } = draw(random, ms);
    const atUs = ms * 1_000;
    const outcome = take(name, atUs) ? 'allowed' : 'denied';
    return { bucket: name, user: name, invokedUs: atUs, completedUs: atUs, outcome };
  });
  const claims = ['total-excess <= 0', 'false-denials <= 0', 'contested >= 80%'].map(parseClaim);
  const busiest = Array.from({ length: 10 }, (_, i) => `u${i + 1}`);
  return checkHistory(historyOf(operations, { policy: POLICY }), { busiest, claims }).verdict;
}

describe.each([1, 2, 3, 4, 5])('a load in which some users rest, seed %i', (seed) => {
  it.each([
    { title: 'convicts a bucket whose key expires before it is full', expiresUs: 1.5e6, want: 'fail' },
    { title: 'convicts one that expires late', expiresUs: 2.5e6, want: 'fail' },
    { title: 'acquits one whose key expires when it is full', expiresUs: 4e6, want: 'pass' },
    { title: 'acquits one that is never forgotten', expiresUs: NEVER, want: 'pass' },
  ])('$title', ({ expiresUs, want }) => expect(verdictOf(expiresUs, RESTING, seed)).toBe(want));

  it('shows what one without rests does not', () => expect(verdictOf(1.5e6, undefined, seed)).toBe('pass'));
});
