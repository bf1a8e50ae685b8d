import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { bucketName } from '../../history/columns/table.ts';
import type { FaultRecord } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import { parseClaim } from '../claims/claim.ts';
import type { Planned } from './planned.ts';

const S = 1_000_000;

interface Bucket {
  readonly capacity: number;
  readonly perSecond: number;
}

/** What a limiter does otherwise than a token bucket. */
interface Defects {
  readonly chargedOf?: (cost: number, policy: string) => number;
  readonly isFree?: (cost: number) => boolean;
  readonly isForgotten?: (restUs: number) => boolean;
  readonly ignores?: string;
}

interface Request {
  readonly atUs: number;
  readonly costs: Readonly<Record<string, number>>;
}

/** The decisions of a limiter on requests for one user's buckets, each at one moment. */
function decide(policies: Readonly<Record<string, Bucket>>, requests: readonly Request[], defects: Defects) {
  const { chargedOf = (cost) => cost, isFree = () => false, isForgotten = () => false, ignores } = defects;
  const levels = new Map<string, { level: number; atUs: number }>();
  return requests.map(({ atUs, costs }): OperationPart => {
    const held = Object.entries(policies).map(([name, { capacity, perSecond }]) => {
      const known = levels.get(name);
      const restUs = known === undefined ? 0 : atUs - known.atUs;
      const isFull = known === undefined || isForgotten(restUs);
      return {
        name,
        level: isFull ? capacity : Math.min(capacity, known.level + (perSecond * restUs) / S),
        cost: costs[name] ?? 1,
      };
    });
    const isAllowed = held.every(
      ({ name, level, cost }) => name === ignores || isFree(cost) || level >= cost - 1e-9,
    );
    for (const { name, level, cost } of held)
      levels.set(name, {
        level: isAllowed && !isFree(cost) ? level - chargedOf(cost, name) : level,
        atUs,
      });
    const charges = held.map(({ name, cost }) => ({ bucket: 'b', policy: name, cost }));
    const [only] = charges;
    return {
      invokedUs: atUs,
      completedUs: atUs + 100,
      outcome: isAllowed ? 'allowed' : 'denied',
      ...(charges.length === 1 ? { bucket: 'b', cost: only?.cost ?? 1 } : { charges }),
    };
  });
}

function exercised(
  policies: Readonly<Record<string, Bucket>>,
  requests: readonly Request[],
  { planned, defects = {} }: { planned: Planned; defects?: Defects },
) {
  const [first = '', ...others] = Object.keys(policies);
  const recordOf = ({ capacity, perSecond }: Bucket) => ({
    capacity,
    refill: { tokens: perSecond, perUs: S },
  });
  const of = (name: string) => recordOf(policies[name] as Bucket);
  const history = historyOf(decide(policies, requests, defects), {
    header: {
      policy: of(first),
      ...(others.length > 0 && {
        policies: Object.fromEntries(Object.keys(policies).map((name) => [name, of(name)])),
      }),
    },
  });
  const claims = ['total-excess <= 0', 'exercised >= 100%'].map(parseClaim);
  const report = checkHistory(history, { busiest: [], claims, planned });
  const claim = report.claims.find((result) => result.claim === 'exercised >= 100%');
  return { verdict: report.verdict, reason: claim?.reason, status: claim?.status, report };
}

/** So many requests, one every 10 ms from a moment on. */
function burst(
  atS: number,
  count: number,
  costs: Request['costs'] | ((nth: number) => Request['costs']) = {},
) {
  return Array.from({ length: count }, (_, nth) => ({
    atUs: atS * S + nth * 10_000,
    costs: typeof costs === 'function' ? costs(nth) : costs,
  }));
}

const ONE = { '': { capacity: 20, perSecond: 5 } };
const RESTS = { restsUs: { '': 2 * S } };

describe('a rest', () => {
  const requests = [...burst(0, 30), ...burst(3, 30)];

  it('was seen if a drained bucket denies again after it, before it can be full', () => {
    expect(exercised(ONE, requests, { planned: RESTS })).toMatchObject({
      verdict: 'pass',
      reason: expect.stringContaining('a bucket was kept over a rest of 2.7 s'),
    });
  });

  it.each([
    { title: 'none', requests: burst(0, 300) },
    {
      title: 'one that is as long as the bucket takes to be full',
      requests: [...burst(0, 30), ...burst(5, 30)],
    },
    { title: 'one after which the bucket was not drained', requests: [...burst(0, 30), ...burst(3, 5)] },
    { title: 'one of a bucket that was full before', requests: [...burst(0, 1), ...burst(3, 30)] },
  ])('was not seen with $title', ({ requests: others }) => {
    expect(exercised(ONE, others, { planned: RESTS })).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringMatching(/rests for 2.0 s may be forgotten.*--rest/),
    });
  });

  it('was not seen of a limiter that forgets: it is convicted', () => {
    const defects: Defects = { isForgotten: (restUs) => restUs > 2 * S };
    expect(exercised(ONE, requests, { planned: RESTS, defects })).toMatchObject({
      verdict: 'fail',
      status: 'unknown',
    });
  });
});

describe('costs', () => {
  const planned = { costs: { '': [1, 15] } };
  const costs = (nth: number) => ({ '': nth % 2 === 0 ? 15 : 1 });

  it('were seen if each was charged and denied', () => {
    expect(exercised(ONE, burst(0, 60, costs), { planned })).toMatchObject({
      ...{
        verdict: 'pass',
        reason: expect.stringContaining('a cost of 15 was denied; a cost of 15 was charged'),
      },
    });
  });

  it('that were denied only may be charged as the least one', () => {
    const late = burst(0, 60, (nth) => ({ '': nth < 30 ? 1 : 15 }));
    const defects: Defects = { chargedOf: () => 1 };
    for (const given of [{ planned }, { planned, defects }])
      expect(exercised(ONE, late, given)).toMatchObject({
        verdict: 'unknown',
        reason: expect.stringContaining('a cost of 15 may be charged as 1;'),
      });
  });

  it('that were never denied may be let through', () => {
    const few = burst(0, 60, (nth) => ({ '': nth === 0 ? 15 : 1 }));
    const defects: Defects = { isFree: (cost) => cost > 10 };
    expect(exercised(ONE, few, { planned })).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringContaining('a cost of 15 may be let through;'),
    });
    expect(exercised(ONE, few, { planned, defects })).not.toMatchObject({ verdict: 'pass' });
  });

  it('of a policy were not seen while another one denied', () => {
    const two = { requests: { capacity: 10, perSecond: 1 }, tokens: { capacity: 60, perSecond: 40 } };
    const ofTokens = { costs: { tokens: [1, 10] } };
    const cheap = burst(0, 100, (nth) => ({ requests: 1, tokens: nth < 2 ? 10 : 1 }));
    const defects: Defects = { chargedOf: () => 1 };
    for (const given of [{ planned: ofTokens }, { planned: ofTokens, defects }])
      expect(exercised(two, cheap, given)).toMatchObject({
        reason: expect.stringContaining('a cost of 10 of policy tokens may be charged as 1'),
      });
    const dear = burst(0, 100, (nth) => ({ requests: 1, tokens: nth % 2 === 0 ? 40 : 10 }));
    expect(exercised(two, dear, { planned: { costs: { tokens: [10, 40] } } })).toMatchObject({
      status: 'holds',
    });
  });
});

it('a rest is asked of each policy that is not full after it', () => {
  const policies = { short: { capacity: 10, perSecond: 5 }, long: { capacity: 40, perSecond: 2 } };
  const planned = { restsUs: { short: S, long: S } };
  const requests = [...burst(0, 1_000), ...burst(11.2, 30)];
  const { reason } = exercised(policies, requests, { planned });
  expect(reason).toMatch(/^a bucket of policy short that rests for 1.0 s may be forgotten; measured 50%/);
  const again = [...requests, ...burst(60, 15), ...burst(61.3, 15)];
  expect(exercised(policies, again, { planned }).status).toBe('holds');
});

describe('policies', () => {
  const planned = { policies: ['burst', 'even'] };
  const burstPolicy = { capacity: 20, perSecond: 5 };

  it.each([
    { even: { capacity: 21, perSecond: 5 }, status: 'unknown' },
    { even: { capacity: 30, perSecond: 1 }, status: 'holds' },
  ])('were seen if each was the stricter one: $status with $even', ({ even, status }) => {
    expect(exercised({ burst: burstPolicy, even }, burst(0, 900), { planned }).status).toBe(status);
  });

  it('that were never the stricter one may not be enforced', () => {
    const even = { capacity: 21, perSecond: 5 };
    const defects: Defects = { ignores: 'even' };
    expect(exercised({ burst: burstPolicy, even }, burst(0, 900), { planned, defects })).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringMatching(/policy even may not be enforced.*--policy/),
    });
  });
});

describe('a fault', () => {
  const fault = (phase: FaultRecord['phase'], atS: number): FaultRecord => ({
    type: 'fault',
    fault: 'cut',
    phase,
    atUs: atS * S,
  });
  const CUT = [fault('inject', 4), fault('heal', 6)];

  /** Two regions that ask for one bucket by turns, besides requests without a reply. */
  function judged(
    untilS: number,
    records: readonly FaultRecord[],
    { lost = [], more = [] }: { lost?: readonly OperationPart[]; more?: readonly string[] } = {},
  ) {
    const turns = (atS: number, count: number) => burst(atS, count).filter(({ atUs }) => atUs < untilS * S);
    const requests = [...turns(0, 400), ...turns(6, 400)];
    const isFirst = (at: number) => at % 40 < 20; // for as long as a token takes to come
    const parts = decide(ONE, requests, {}).map((part, at) => ({ ...part, region: isFirst(at) ? 'a' : 'b' }));
    const history = historyOf([...parts, ...lost], { records, header: { regions: ['a', 'b'] } });
    const claims = ['total-excess <= 0', 'exercised >= 100%', ...more].map(parseClaim);
    const { claims: results } = checkHistory(history, { busiest: [], claims });
    return results.find(({ claim }) => claim === 'exercised >= 100%');
  }

  it('was returned from if all sides count together after it', () => {
    expect(judged(10, CUT)).toMatchObject({
      status: 'holds',
      reason: expect.stringMatching(
        /a bucket was contested after cut; all 2 sides counted together after cut/,
      ),
    });
  });

  it('was returned from though replies to one side were lost in it: they explain its own denials only', () => {
    const lost = burst(5, 40).map(({ atUs }) => ({
      bucket: 'b',
      region: 'b',
      invokedUs: atUs,
      outcome: 'info' as const,
    }));
    expect(judged(10, CUT, { lost })).toMatchObject({ status: 'holds' });
  });

  it('that steps a clock asks for no sides, since the lag of the clock explains any denial', () => {
    const step = CUT.map((record) => ({ ...record, fault: 'node-clock' }));
    expect(judged(10, step)?.reason).toMatch(/^a bucket was contested after node-clock \(/);
  });

  it('was not returned from by denials of requests that were sent before its end', () => {
    const slow = burst(3.9, 9).map(({ atUs }) => ({ bucket: 'b', region: 'a', invokedUs: atUs }));
    const lost = slow.map((part) => ({ ...part, completedUs: 6.05 * S, outcome: 'denied' as const }));
    expect(judged(6, CUT, { lost })?.reason).toMatch(/^no bucket was contested after cut/);
  });

  it('asks for no sides that count apart on purpose', () => {
    expect(judged(10, CUT, { more: ['sides >= 0%'] })?.reason).toMatch(
      /^a bucket was contested after cut \(/,
    );
  });

  it.each([
    { title: 'if nothing was sent after it', untilS: 6, why: /no bucket was contested after cut/ },
    { title: 'if it was not drained again', untilS: 6.1, why: /no bucket was contested after cut/ },
  ])('was not returned from $title', ({ untilS, why }) => {
    expect(judged(untilS, CUT)).toMatchObject({ status: 'unknown', reason: expect.stringMatching(why) });
  });

  it('was not returned from if it was not healed', () => {
    expect(judged(10, CUT.slice(0, 1))).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('the last fault was not healed'),
    });
  });

  it.each([
    { title: 'was returned from by each of several policies', count: 1_000, status: 'holds' },
    {
      title: 'was not returned from by a policy that was not at its limit again',
      count: 100,
      status: 'unknown',
    },
  ])('$title', ({ count, status }) => {
    const policies = { short: { capacity: 10, perSecond: 10 }, long: { capacity: 30, perSecond: 5 } };
    const parts = decide(policies, [...burst(0, 400), ...burst(12, count)], {});
    const own = {
      short: { capacity: 10, refill: { tokens: 10, perUs: S } },
      long: { capacity: 30, refill: { tokens: 5, perUs: S } },
    };
    const history = historyOf(parts, { records: CUT, header: { policy: own.short, policies: own } });
    const busiest = ['short', 'long'].map((policy) => bucketName('b', policy));
    const { claims } = checkHistory(history, { busiest, claims: [parseClaim('exercised >= 100%')] });
    const reason = `${status === 'holds' ? 'a' : 'no'} bucket of policy long was contested after cut`;
    expect(claims[0]).toMatchObject({ status, reason: expect.stringContaining(reason) });
  });

  it('was not returned from by a side that was asked no more', () => {
    const onlyFirst = judgedOneSide();
    expect(onlyFirst).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('a, b may count alone after cut'),
    });
  });

  function judgedOneSide() {
    const requests = [...burst(0, 400), ...burst(6, 400)];
    const parts = decide(ONE, requests, {}).map((part, at) => ({
      ...part,
      region: at % 2 === 0 || (part.invokedUs ?? 0) >= 6 * S ? 'a' : 'b',
    }));
    const history = historyOf(parts, { records: CUT, header: { regions: ['a', 'b'] } });
    const claims = ['total-excess <= 0', 'exercised >= 100%'].map(parseClaim);
    const { claims: results } = checkHistory(history, { busiest: [], claims });
    return results.find(({ claim }) => claim === 'exercised >= 100%');
  }
});

it('is not asked for by a fault that is in force during the whole load', () => {
  const records = [{ type: 'fault', fault: 'cut', phase: 'inject', atUs: 0 } as const];
  const history = historyOf(decide(ONE, burst(0, 100), {}), { records });
  const options = { busiest: [], claims: ['exercised >= 100%'].map(parseClaim) };
  const asked = (planned: Planned) => checkHistory(history, { ...options, planned }).exercises;
  expect(asked({ neverReturns: true })).toEqual([]);
  expect(asked({})).toHaveLength(1);
});

it('is asked for by a plan only, or by a fault', () => {
  const claims = ['total-excess <= 0'].map(parseClaim);
  const history = historyOf(decide(ONE, burst(0, 100), {}));
  const asked = (planned?: Planned) =>
    checkHistory(history, { busiest: [], claims, ...(planned && { planned }) }).claims.map(
      ({ claim }) => claim,
    );
  expect(asked()).not.toContain('exercised >= 100%');
  expect(asked({})).not.toContain('exercised >= 100%');
  expect(asked(RESTS)).toContain('exercised >= 100%');
});
