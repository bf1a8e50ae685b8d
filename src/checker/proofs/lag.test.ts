import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { parsePolicy } from '../../core/policy.ts';
import { makeRandom } from '../../core/prng.ts';
import type { ClockBounds } from '../clocks/bounds.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { judgeDenials, requestsNeeded } from './false-denial.ts';
import { doesLagFade } from './lag.ts';
import { bucketLevel } from './lowest-level.ts';

const EXACT: ClockBounds = { epsilonUs: 0, rhoPpm: 0, slowPpm: 0, backwardUs: 0, spreadUs: 0, steps: [] };
const KNOWN = {
  ...({ initial: 'full', knownFromUs: 0 } as const),
  ...{ judgedFromUs: Number.NEGATIVE_INFINITY, judgedUntilUs: Number.POSITIVE_INFINITY },
};
const POLICY = '2:1/10us';
const LAG_US = 15;
const LAGGING = { ...EXACT, epsilonUs: LAG_US };

function rowsOf(parts: readonly OperationPart[]): BucketRows {
  const rows = new BucketRows(historyOf(parts, { policy: POLICY }).operations);
  rows.load(0);
  return rows;
}

/** Which of these are falsely denied, where the clock may lag by 15 us. */
function falseAt(parts: readonly OperationPart[], clock = LAGGING): number[] {
  const rows = rowsOf(parts);
  const policy = parsePolicy(POLICY);
  const fades = doesLagFade(rows, policy, []);
  const levelOf = () => bucketLevel(policy, { clock, known: KNOWN, fades });
  const { denials } = judgeDenials(rows, KNOWN, { levelOf, mostQuanta: policy.capacityQuanta });
  return [...denials].map(({ row }) => Number(rows.table.invokedUs[row]));
}

const spend = (fromUs: number, toUs = fromUs, more: OperationPart = {}): OperationPart => ({
  invokedUs: fromUs,
  completedUs: toUs,
  ...more,
});
const denial = (fromUs: number, toUs = fromUs, cost = 2): OperationPart =>
  spend(fromUs, toUs, { outcome: 'denied', cost });

describe('the lag of a clock', () => {
  it('fades once a full bucket has had the time for it', () => {
    expect(falseAt([spend(100), denial(124)])).toEqual([]);
    expect(falseAt([spend(100), denial(125)])).toEqual([125]); // full at 110, and 15 us more
    expect(falseAt([spend(100), denial(110)], EXACT)).toEqual([110]);
  });

  it('is there again for what is spent, or may be', () => {
    expect(falseAt([spend(100), spend(200), denial(224)])).toEqual([]);
    expect(falseAt([spend(100), spend(200), denial(214, 214, 1)])).toEqual([]);
    expect(falseAt([spend(100), spend(200), denial(215, 215, 1)])).toEqual([215]);
    expect(falseAt([spend(100), spend(200, 230), denial(210, 210, 1)])).toEqual([]);
  });

  it.each([
    { title: 'a refund', more: spend(50, 50, { cost: -1 }) },
    { title: 'a cost of 0', more: spend(50, 50, { cost: 0 }) },
    { title: 'a request that failed', more: spend(50, 50, { outcome: 'failed' }) },
    { title: 'a denial of a cost that no bucket holds', more: denial(50, 50, 3) },
    {
      title: 'a denial that another bucket may have caused',
      more: { ...denial(50), charges: ['b', 'c'].map((bucket) => ({ bucket, cost: 2 })) },
    },
  ])('does not fade where the bucket may be written while it is full: $title', ({ more }) => {
    expect(falseAt([spend(100), denial(200)])).toEqual([200]);
    expect(falseAt([more, spend(100), denial(200)])).not.toContain(200);
  });
});

/** What a bucket remembers; each decision brings it up to the clock in its own way. */
interface Remembered {
  level: number;
  atUs: number;
}
type Limiter = (bucket: Remembered, nowUs: number, cost: number) => boolean;

/** Levels in tenths of a token: one comes in a microsecond. */
const FULL = 20;

/** Never lets its time go back. */
const waits: Limiter = (bucket, nowUs, cost) => {
  const level = Math.min(FULL, bucket.level + Math.max(0, nowUs - bucket.atUs));
  if (level < cost) return false;
  bucket.level = level - cost;
  bucket.atUs = Math.max(nowUs, bucket.atUs);
  return true;
};

/** Follows its clock back, and writes what it denies as well. */
const follows: Limiter = (bucket, nowUs, cost) => {
  const level = Math.min(FULL, bucket.level + nowUs - bucket.atUs);
  bucket.atUs = nowUs;
  bucket.level = level < cost ? level : level - cost;
  return level >= cost;
};

/** Keeps the moment at which it is full, as GCRA does. */
const arrives: Limiter = (bucket, nowUs, cost) => {
  const fullUs = Math.max(bucket.atUs, nowUs);
  if (fullUs - nowUs > FULL - cost) return false;
  bucket.atUs = fullUs + cost;
  return true;
};

describe('a limiter whose clock lags', () => {
  it('needs no more requests that are missing from its history than there are', () => {
    let [needed, unfaded] = [0, 0];
    for (let seed = 0; seed < 300; seed++) {
      const random = makeRandom(seed, 'missing');
      const share = 0.4 * random();
      const parts = run(arrives, seed);
      const left = parts.filter(() => random() > share);
      const missing = parts.filter((part) => part.outcome === 'allowed' && !left.includes(part)).length;
      const most = requestsOf(left, true);
      expect({ seed, isMore: most > missing }).toEqual({ seed, isMore: false });
      needed += most;
      unfaded += requestsOf(left, false);
    }
    expect(needed).toBeGreaterThan(unfaded);
  });

  it.each([
    { title: 'waits for it', limiter: waits },
    { title: 'follows it back', limiter: follows },
    { title: 'keeps when it is full', limiter: arrives },
  ])('and that $title is never accused, and convicted beyond that lag', ({ limiter }) => {
    let [denials, convicted] = [0, 0];
    for (let seed = 0; seed < 300; seed++) {
      const parts = run(limiter, seed);
      denials += parts.filter(({ outcome }) => outcome === 'denied').length;
      expect({ seed, accused: falseAt(parts) }).toEqual({ seed, accused: [] });
      convicted += falseAt(parts, { ...EXACT, epsilonUs: LAG_US - 5 }).length;
    }
    expect(denials).toBeGreaterThan(1_000);
    expect(convicted).toBeGreaterThan(0);
  });
});

/** How many requests the denials of a history need that are not in it. */
function requestsOf(parts: readonly OperationPart[], fades: boolean): number {
  const rows = rowsOf(parts);
  const policy = parsePolicy(POLICY);
  const level = bucketLevel(policy, { clock: LAGGING, known: KNOWN, fades });
  return requestsNeeded(rows, { level, known: KNOWN, mostQuanta: 2 * policy.quantaPerToken });
}

/** Decisions at any moment of their intervals, by a clock that is behind by up to 15 us, in any way. */
function run(limiter: Limiter, seed: number): OperationPart[] {
  const random = makeRandom(seed, 'lag');
  const below = (count: number) => Math.floor(random() * count);
  const gapUs = [5, 12, 40][below(3)] as number;
  const widthUs = [1, 10, 60][below(3)] as number;
  const steps = below(3);
  let us = 100;
  const requests = Array.from({ length: 30 }, () => {
    us += below(2 * gapUs);
    const [before, after] = [below(widthUs), below(widthUs)];
    return { us, fromUs: Math.max(0, us - before), toUs: us + after, cost: 1 + below(2) };
  });
  const bucket = { level: FULL, atUs: Number.NEGATIVE_INFINITY };
  let behindUs = 0;
  return requests.map(({ us: atUs, fromUs, toUs, cost }): OperationPart => {
    if (steps === 0 || random() < 0.2) behindUs = steps === 1 ? LAG_US * below(2) : below(LAG_US + 1);
    const isAllowed = limiter(bucket, atUs - behindUs, 10 * cost);
    return { invokedUs: fromUs, completedUs: toUs, cost, outcome: isAllowed ? 'allowed' : 'denied' };
  });
}
