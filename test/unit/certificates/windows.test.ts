import { describe, expect, it } from 'vitest';
import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import { BucketRows } from '../../../src/checker/rows/bucket-rows.ts';
import { makeRandom } from '../../../src/core/prng.ts';
import { parsePromise, type WindowPromise } from '../../../src/core/promise.ts';
import type { HistoryRecord } from '../../../src/history/records/operation.ts';
import { headerOf, operationOf } from '../../support/history.ts';
import { EPOCH_US } from '../planted/limiter.ts';
import { WINDOW_PROMISES } from '../planted/stated-windows.ts';
import { changeOrder } from './changed-order.ts';
import type { Clock, Proof } from './slow-check.ts';
import { isValidWindows } from './slow-windows.ts';
import { verify } from './verified.ts';
import { certifyWindows, runWindows, type WindowLimiter } from './window-runs.ts';

const SEEDS = [1, 2];
const LIMIT = 5;
const WINDOW_US = 3_000_000;

/** One of WINDOW_PROMISES, asked for costs. */
function limiterOf(make: (typeof WINDOW_PROMISES)[number]['make']): () => WindowLimiter {
  return () => {
    const limiter = make();
    return (nowUs, cost) => {
      const isAllowed = limiter.see(nowUs).room >= cost;
      for (let token = 0; isAllowed && token < cost; token++) limiter.take(nowUs);
      return isAllowed;
    };
  };
}

/** Of 20 buckets, some of which lost replies. */
const LEAST_PROVED: Readonly<Record<string, number>> = {
  'fixed-window:5/3s:epoch': 17,
  'fixed-window:5/3s': 19,
  'fixed-window:5/3s:first': 19,
  'sliding-window:5/3s': 14,
  'sliding-counter:5/3s': 20,
};

describe.each(WINDOW_PROMISES)('buckets of a correct $promise are proved:', ({ promise, make }) => {
  it.each([
    { widthUs: 1, mostCost: 1 },
    { widthUs: 400_000, mostCost: 1 },
    { widthUs: 50_000, mostCost: 3 },
  ])('$widthUs us, costs up to $mostCost', async (run) => {
    let proved = 0;
    for (const seed of SEEDS) {
      const records = runWindows(limiterOf(make), { seed, count: 1_000, ...run });
      const { certificates, counts, refused } = await certifyWindows(records, promise);
      expect({ seed, refused: [...refused] }).toEqual({ seed, refused: [] });
      expect(counts).toMatchObject({ promise: parsePromise(promise) });
      const { proved: all, admissionsProved, convicted } = certificates.counts;
      expect([convicted, counts.proved, counts.admissionsProved]).toEqual([0, all, admissionsProved]);
      const provesDenials = promise.endsWith(':epoch') || promise.startsWith('sliding-window');
      expect(provesDenials ? admissionsProved : all).toBe(0);
      proved += all + admissionsProved;
    }
    expect(proved).toBeGreaterThanOrEqual(LEAST_PROVED[promise] ?? 0);
  });
});

/** Limiters that break the promise. */
const BROKEN: readonly {
  readonly title: string;
  readonly promise: string;
  readonly make: () => WindowLimiter;
}[] = [
  {
    title: 'windows of half the length',
    promise: 'fixed-window:5/3s:epoch',
    make: fixed(LIMIT, WINDOW_US / 2),
  },
  { title: 'one token too many', promise: 'fixed-window:5/3s:epoch', make: fixed(LIMIT + 1, WINDOW_US) },
  { title: 'one token too few', promise: 'fixed-window:5/3s:epoch', make: fixed(LIMIT - 1, WINDOW_US) },
  { title: 'windows in place of the log', promise: 'sliding-window:5/3s', make: fixed(LIMIT, WINDOW_US) },
  { title: 'one token too few in the log', promise: 'sliding-window:5/3s', make: log(LIMIT - 1, WINDOW_US) },
  { title: 'one token too many in the log', promise: 'sliding-window:5/3s', make: log(LIMIT + 1, WINDOW_US) },
  { title: 'a log that forgets early', promise: 'sliding-window:5/3s', make: log(LIMIT, 0.9 * WINDOW_US) },
  { title: 'a third of the length', promise: 'fixed-window:5/3s', make: fixed(LIMIT, WINDOW_US / 3) },
  { title: 'a third of the length', promise: 'fixed-window:5/3s:first', make: fixed(LIMIT, WINDOW_US / 3) },
  { title: 'three times the limit', promise: 'sliding-counter:5/3s', make: log(3 * LIMIT, WINDOW_US) },
];

function fixed(limit: number, windowUs: number): () => WindowLimiter {
  return () => {
    let [window, used] = [-1, 0];
    return (nowUs, cost) => {
      const now = Math.floor(nowUs / windowUs);
      if (now !== window) [window, used] = [now, 0];
      if (used + cost > limit) return false;
      used += cost;
      return true;
    };
  };
}

function log(limit: number, windowUs: number): () => WindowLimiter {
  return () => {
    let taken: number[] = [];
    return (nowUs, cost) => {
      taken = taken.filter((us) => us > nowUs - windowUs);
      if (taken.length + cost > limit) return false;
      taken.push(...Array.from({ length: cost }, () => nowUs));
      return true;
    };
  };
}

describe('no bucket has a proof that is convicted of', () => {
  it.each(BROKEN)('$title, $promise', async ({ promise, make }) => {
    let convicted = 0;
    for (const seed of SEEDS) {
      const records = runWindows(make, { seed, count: 1_000, widthUs: 5_000 });
      const { withFindings, certificates, certificate, refused, table } = await certifyWindows(
        records,
        promise,
      );
      expect([...refused]).toEqual([]);
      const names = new Set(
        certificate.flatMap((record) => (record.type === 'proof' ? [record.bucket] : [])),
      );
      const rows = new BucketRows(table);
      for (const { bucket, windows, denials } of withFindings) {
        if (windows.length + denials.length === 0) continue;
        convicted++;
        rows.load(bucket);
        expect(names).not.toContain(table.nameOf(bucket));
        expect({ seed, bucket, proof: certificates.find(rows) }).toEqual({ seed, bucket });
      }
    }
    expect(convicted).toBeGreaterThanOrEqual(7);
  });
});

describe.each(WINDOW_PROMISES)(
  'the verifier refuses changed proofs of $promise as a slow check does',
  (one) => {
    it.each(SEEDS)('seed %i', async (seed) => {
      const random = makeRandom(seed, 'changed windows');
      const promise = parsePromise(one.promise) as WindowPromise;
      const run = { seed, count: 2_400, widthUs: 30_000, mostCost: 2, buckets: 200 };
      const records = runWindows(limiterOf(one.make), run);
      const { certificate } = await certifyWindows(records, one.promise);
      const changed = certificate.map((record) =>
        record.type === 'proof' ? changeOrder(record, random) : record,
      );
      const { refused } = await verify(records, changed);
      const operations = records.filter((record) => record.type === 'op');
      const clock = certificate.find((record) => record.type === 'clock' && 'points' in record) as Clock;
      const offsetUs = clock.points[0]?.[1] ?? 0;
      const proofs = changed.filter((record): record is Proof => record.type === 'proof');
      const isRight = (proof: Proof) =>
        isValidWindows(
          proof,
          operations.filter(({ bucket }) => bucket === proof.bucket),
          { promise, offsetUs },
        );
      const right = proofs.filter(isRight).map(({ bucket }) => bucket);
      expect(proofs.filter(({ bucket }) => !refused.has(bucket)).map(({ bucket }) => bucket)).toEqual(right);
      expect(proofs.length).toBeGreaterThan(150);
      expect(right.length).toBeGreaterThan(10);
      expect(right.length).toBeLessThan(proofs.length / 2);
    });
  },
);

describe('the verifier reads the first line:', () => {
  const operations = [0, 1, 2].map((at) => operationOf(at, { invokedUs: EPOCH_US + at, completedUs: null }));
  const allowed = operations.map((one) => ({ ...one, completedUs: one.invokedUs + 5 }));
  const records = [headerOf(), ...allowed, { type: 'end' as const, atUs: EPOCH_US + 9, sent: 3 }];
  const certified = (promise: string) =>
    certifyWindows(records, promise).then(({ certificate }) => certificate);
  const changed = async (promise: string, type: CertificateRecord['type'], change: object) =>
    verify(
      records,
      (await certified(promise)).map((one) => (one.type === type ? { ...one, ...change } : one)),
    );

  it.each([
    { title: 'another format', change: { format: 'x' }, says: 'it is no certificate of version 1' },
    { title: 'another version', change: { version: 2 }, says: 'it is no certificate of version 1' },
    {
      title: 'an unknown promise',
      change: { promise: { type: 'x' } },
      says: 'it is no certificate of version 1',
    },
  ])('$title', async ({ change, says }) => {
    const { refused, exitCode } = await changed('fixed-window:5/3s:epoch', 'certificate', change);
    expect([refused.get('certificate'), exitCode]).toEqual([says, 1]);
  });

  it('a proof without denials, of a limiter that declares no false denials', async () => {
    const { refused } = await changed('token-bucket', 'proof', { proves: 'admissions' });
    expect(refused.get('b')).toBe('it leaves out denials without a reason');
  });

  it('a promise that the history was not proved for', async () => {
    const promise = parsePromise('fixed-window:2/3s:epoch');
    const { refused } = await changed('fixed-window:5/3s:epoch', 'certificate', { promise });
    expect(refused.get('b')).toBe('operation 2 gets another answer');
  });

  it('the epoch on a clock without a time of day', async () => {
    const all = await certified('fixed-window:5/3s:epoch');
    const apart = [headerOf('20:5/s', { clocks: 'apart' }), ...records.slice(1)];
    expect((await verify(apart, all)).refused.get('b')).toBe('its clock has no time of day');
    expect((await certifyWindows(apart, 'fixed-window:5/3s:epoch')).certificates.counts.open).toBe(1);
  });

  it('the epoch on a clock of a node that was never read', async () => {
    const made = { nodes: ['x'], points: [[0, 1_500_000]] };
    const { refused } = await changed('fixed-window:5/3s:epoch', 'clock', made);
    expect(refused.get('b')).toBe('its clock has no time of day');
  });

  it('a refund from a log, or a reset, which is open', async () => {
    const refund = operationOf(3, { cost: -1, invokedUs: EPOCH_US + 6, completedUs: EPOCH_US + 7 });
    const all = [headerOf(), ...allowed, refund, { type: 'end' as const, atUs: EPOCH_US + 9, sent: 4 }];
    const { certificates } = await certifyWindows(all, 'sliding-window:5/3s');
    expect(certificates.counts.open).toBe(1);
    const reset: HistoryRecord = { type: 'event', event: 'reset', atUs: EPOCH_US + 6, args: { bucket: 'b' } };
    const withReset = [headerOf(), ...allowed, reset, ...records.slice(-1)];
    expect((await certifyWindows(withReset, 'sliding-window:5/3s')).certificates.counts.open).toBe(1);
    expect((await certifyWindows(withReset, 'fixed-window:5/3s:epoch')).certificates.counts.open).toBe(0);
    const proofs = (await certified('sliding-window:5/3s')).map((one) =>
      one.type === 'proof' ? { ...one, order: [...one.order, 2], momentsUs: [...one.momentsUs, 4] } : one,
    );
    expect((await verify(all, proofs)).refused.get('b')).toBe(
      'operation 3 is a refund, and a log does not say whose',
    );
    expect((await certifyWindows(all, 'fixed-window:5/3s:epoch')).certificates.counts.proved).toBe(1);
  });
});

const at = (us: number, outcome: 'allowed' | 'denied' = 'allowed') => ({ us, outcome });
const burst = (count: number, us: number) => Array.from({ length: count }, () => at(us));

describe('the last microsecond counts:', () => {
  it.each([
    { title: 'a cost is back after a length', parts: [...burst(5, 0), at(WINDOW_US)], want: { proved: 1 } },
    { title: 'and not before', parts: [...burst(5, 0), at(WINDOW_US - 1)], want: { convicted: 1 } },
    {
      title: 'until then the log denies',
      parts: [...burst(5, 0), at(WINDOW_US - 1, 'denied')],
      want: { proved: 1 },
    },
    { title: 'and not after', parts: [...burst(5, 0), at(WINDOW_US, 'denied')], want: { open: 1 } },
  ])('$title', async ({ parts, want }) => {
    const records = pointsOf(parts);
    const { certificates, refused } = await certifyWindows(records, 'sliding-window:5/3s');
    expect([...refused]).toEqual([]);
    expect(certificates.counts).toMatchObject(want);
  });

  it('a sliding counter has one token more than its limit', async () => {
    const of = async (count: number) => certifyWindows(pointsOf(burst(count, 0)), 'sliding-counter:5/3s');
    const { certificate, counts } = await of(6);
    expect(counts).toMatchObject({ admissionsProved: 1, refused: 0 });
    const forged = certificate.map((one) =>
      one.type === 'proof' ? { ...one, order: [...one.order, 2], momentsUs: [...one.momentsUs, 0] } : one,
    );
    const { refused } = await verify(pointsOf(burst(7, 0)), forged);
    expect(refused.get('b')).toBe('operation 6 gets another answer');
  });
});

it('V11: the certificate of a promise of the epoch is accepted of a bucket with unanswered requests alone', async () => {
  const lost = operationOf(2, { bucket: 'c', invokedUs: EPOCH_US + 5, completedUs: null, outcome: 'info' });
  const [header, first, second] = pointsOf(burst(2, 0)) as [HistoryRecord, HistoryRecord, HistoryRecord];
  const records = [header, first, second, lost, { type: 'end' as const, atUs: EPOCH_US + 9, sent: 3 }];
  const { counts, refused } = await certifyWindows(records, 'fixed-window:5/3s:epoch');
  expect([counts.proved, [...refused]]).toEqual([2, []]);
});

it.each(WINDOW_PROMISES)(
  'V11: no proof of $promise has an admission above its limit',
  async ({ promise }) => {
    const records = [
      headerOf(),
      operationOf(0, { cost: 9, invokedUs: EPOCH_US, completedUs: EPOCH_US + 9_000_000 }),
      { type: 'end' as const, atUs: EPOCH_US + 9_000_000, sent: 1 },
    ];
    const { counts, refused } = await certifyWindows(records, promise);
    expect([counts.proved, counts.admissionsProved, [...refused]]).toEqual([0, 0, []]);
  },
);

function pointsOf(parts: readonly ReturnType<typeof at>[]): HistoryRecord[] {
  const operations = parts.map(({ us, outcome }, index) => {
    const invokedUs = EPOCH_US + us;
    return operationOf(index, { invokedUs, completedUs: invokedUs, outcome });
  });
  return [headerOf(), ...operations, { type: 'end', atUs: EPOCH_US, sent: parts.length }];
}

it('a history that begins in mid-traffic has a first window of which less is left', async () => {
  const parts = [1, 2, 3, 4].map((at) => ({
    invokedUs: EPOCH_US + at * 10,
    completedUs: EPOCH_US + at * 10 + 1,
    outcome: at > 2 ? ('denied' as const) : ('allowed' as const),
  }));
  const header = headerOf('20:5/s', { initial: 'unknown' });
  const records = [
    header,
    ...parts.map((part, at) => operationOf(at, part)),
    { type: 'end' as const, atUs: EPOCH_US + 99, sent: 4 },
  ];
  const { certificate, counts } = await certifyWindows(records, 'fixed-window:5/3s:epoch');
  expect(counts).toMatchObject({ proved: 1, refused: 0 });
  expect(certificate.find(({ type }) => type === 'proof')).toMatchObject({ start: [2, 5] });
});
