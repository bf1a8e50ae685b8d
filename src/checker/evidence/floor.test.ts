import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { parsePromise } from '../../core/promise.ts';
import type { FaultRecord, Header } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import type { CheckOptions } from '../check-options.ts';
import { parseClaim } from '../claims/claim.ts';

const S = 1_000_000;
const PROMISE = 'fixed-window:20/4s:first';

type Decides = (atS: number) => boolean;

/** Windows that a request starts; a limiter that is `locked` opens only the first. */
function windows({ limit = 20, windowS = 4, locked = false } = {}): Decides {
  let [untilS, used] = [Number.NEGATIVE_INFINITY, 0];
  return (atS) => {
    if (atS >= untilS && (!locked || used === 0)) [untilS, used] = [atS + windowS, 0];
    return used++ < limit;
  };
}

/** A user who asks 25 times a second. */
function asks(
  bucket: string,
  decides: Decides,
  { fromS = 0, untilS = 24 }: { fromS?: number; untilS?: number } = {},
): OperationPart[] {
  return Array.from({ length: Math.round(25 * (untilS - fromS)) }, (_, at) => {
    const invokedUs = Math.round((fromS + at / 25) * S);
    const outcome = decides(invokedUs / S) ? 'allowed' : 'denied';
    return { bucket, invokedUs, completedUs: invokedUs + 3_000, outcome };
  });
}

const fault = (phase: FaultRecord['phase'], atS: number, args?: FaultRecord['args']): FaultRecord => ({
  ...{ type: 'fault', fault: 'cut', phase, atUs: atS * S },
  ...(args && { args }),
});

function judged(
  parts: readonly OperationPart[],
  {
    promise = PROMISE,
    records = [],
    header = {},
    options = {},
  }: {
    promise?: string;
    records?: readonly FaultRecord[];
    header?: Partial<Header>;
    options?: Partial<CheckOptions>;
  } = {},
) {
  const report = checkHistory(historyOf(parts, { policy: '20:5/s', records, header }), {
    ...{ busiest: [], contestedBucketsAtLeast: 1, promise: parsePromise(promise) },
    ...options,
  });
  const { status, reason } = report.claims.find(({ claim }) => claim === 'admitted >= 50% of ideal') ?? {};
  return { verdict: report.verdict, status, reason, report };
}

const USERS = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6'];
const fine = () => USERS.flatMap((user) => asks(user, windows()));
const locked = () => asks('u7', windows({ locked: true }));

describe('the floor of what a limiter admits', () => {
  it('U2: fails a limiter that locks its users out for ever', () => {
    const { verdict, status, reason } = judged(
      USERS.flatMap((user) => asks(user, windows({ locked: true }))),
    );
    expect([verdict, status]).toEqual(['fail', 'broken']);
    expect(reason).toMatch(
      /^u1 admitted 20 tokens, 17% of the 120 that every limiter of fixed-window:20\/4s:first admits of its requests, the smallest share of 6 buckets; measured 16\.7%, claimed at least 50%: 33\.3% too few; it may also count what it denies, which locks out users who go on asking, count several users as one, or be used by others with the same keys; if that is intended, use --false-denials any with check, or --claim 'windows <= 0' with bench$/,
    );
  });

  it('U2: fails one that locks out one user of seven, and no other', () => {
    expect(judged(fine())).toMatchObject({ verdict: 'pass', status: 'holds' });
    expect(judged([...fine(), ...locked()])).toMatchObject({ verdict: 'fail', status: 'broken' });
  });

  it.each([
    { promise: 'fixed-window:20/4s', status: 'broken' },
    { promise: 'fixed-window:20/4s:epoch', status: 'broken' },
    { promise: 'sliding-counter:20/4s', status: 'broken' },
    { promise: 'sliding-window:20/4s', status: undefined },
    { promise: 'token-bucket', status: undefined },
  ])('U2: is claimed where no denial is judged, of $promise: $status', ({ promise, status }) => {
    const header = { clocks: 'apart' as const };
    expect(judged(locked(), { promise, header })).toMatchObject({ verdict: 'fail', status });
  });

  it.each([
    { untilS: 4.5, status: 'unknown', promise: PROMISE },
    { untilS: 7.9, status: 'unknown', promise: PROMISE },
    { untilS: 8.5, status: 'holds', promise: PROMISE },
    { untilS: 15, status: 'unknown', promise: 'sliding-counter:20/4s' },
    { untilS: 17, status: 'holds', promise: 'sliding-counter:20/4s' },
  ])('U2: of $untilS s of demand on $promise is $status', ({ untilS, status, promise }) => {
    const found = judged(asks('u', windows(), { untilS }), { promise });
    expect(found.status, found.reason).toBe(status);
    if (status === 'unknown')
      expect(found.reason).toMatch(/too little demand .* \(--duration\), .* \(--rate\) .* \(--users\)$/);
  });

  it('U2: is not claimed of a strategy that declares any number of false denials', () => {
    const options = { falseDenialsAtMost: Number.POSITIVE_INFINITY };
    expect(judged(locked(), { options })).toMatchObject({ verdict: 'pass', status: undefined });
  });

  it('holds where nothing is denied', () => {
    const quiet = asks('u', () => true, { untilS: 0.5 });
    expect(judged(quiet).status).toBe('holds');
  });

  it('says nothing of a run whose denials are all of faults', () => {
    const { status, reason } = judged(locked(), { records: [fault('inject', 0)] });
    expect(status).toBe('unknown');
    expect(reason).toMatch(/: each denial is of a fault, a failure policy, several buckets or .*; /);
  });

  it('leaves out what a failure policy denies', () => {
    const closed = asks('u', () => false, { fromS: 30, untilS: 70 }).map(
      (part): OperationPart => ({ ...part, decision: { strategy: 'x', node: 'n', source: 'fallback' } }),
    );
    expect(judged([...asks('u', windows()), ...closed]).status).toBe('holds');
  });

  it.each([
    { title: 'while a fault is in force', records: [fault('inject', 24), fault('heal', 124)] },
    { title: 'while it has not healed', records: [fault('inject', 24)] },
    {
      title: 'until the system has settled',
      records: [fault('inject', 24), fault('heal', 25), fault('settled', 124)],
    },
    {
      title: 'as long as a clock was moved',
      records: [fault('inject', 24, { offsetMs: -99_000 }), fault('heal', 25)],
    },
    {
      title: 'while one of two faults is in force',
      records: [fault('inject', 24), fault('inject', 25), fault('heal', 26), fault('heal', 124)],
    },
  ])('leaves out what is denied $title', ({ records }) => {
    const parts = [
      ...asks('u', windows()),
      ...asks('u', () => false, { fromS: 24, untilS: 124 }),
      ...asks('u', windows(), { fromS: 124, untilS: 144 }),
    ];
    expect(judged(parts).status).toBe('broken');
    expect(judged(parts, { records })).toMatchObject({ status: 'holds' });
  });

  it('sees a limiter that is locked after a fault', () => {
    const parts = [
      ...asks('u', windows(), { untilS: 12 }),
      ...asks('u', () => false, { fromS: 12, untilS: 64 }),
    ];
    expect(judged(parts, { records: [fault('inject', 12), fault('heal', 16)] }).status).toBe('broken');
  });

  it('counts what may have been charged as admitted', () => {
    const lost = asks('u7', windows()).map(
      (part): OperationPart =>
        part.outcome === 'allowed' ? { ...part, outcome: 'info', completedUs: null } : part,
    );
    expect(judged(lost)).toMatchObject({ status: 'holds' });
  });

  it('lets what is missing from the history explain what it can', () => {
    const options = { openAtEndMissing: true };
    const near = asks('u', windows({ limit: 9 }));
    expect(judged(near).status).toBe('broken');
    expect(judged(near, { options: { ...options, openAtEndAtMost: 1 } })).toMatchObject({
      status: 'unknown',
    });
    expect(judged(locked(), { options: { ...options, openAtEndAtMost: 1 } }).status).toBe('broken');
  });

  it('asks nothing of the first window of a history that begins in mid-traffic', () => {
    const header = { initial: 'unknown' as const };
    const full = asks('u', () => false, { untilS: 3.9 });
    const later = asks('u', windows(), { fromS: 4, untilS: 24 });
    expect(judged([...full, ...later], { header }).status).toBe('holds');
  });

  it.each([
    { claim: 'admitted >= 50%', text: 'admitted >= 50% of ideal' },
    { claim: 'admitted  >=  17.5%   of  ideal', text: 'admitted >= 17.5% of ideal' },
  ])('is written as $claim', ({ claim, text }) => {
    expect(parseClaim(claim).text).toBe(text);
    expect(parseClaim(text)).toEqual(parseClaim(claim));
    for (const wrong of ['admitted <= 50%', 'admitted >= 5', 'admitted >= 50% of all', `${text} during cut`])
      expect(() => parseClaim(wrong)).toThrow();
  });
});
