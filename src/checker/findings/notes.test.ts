import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { checkHistory } from '../check.ts';
import { parseClaim } from '../claims/claim.ts';
import { listRemarks, NOT_CHECKED } from './notes.ts';

const RULES = { busiest: [] };
const spent = (count: number, part: OperationPart = {}) =>
  Array.from({ length: count }, () => ({ bucket: 'b', invokedUs: 1_000, ...part }));
const FALSE_DENIALS =
  '1 false denial in 1 bucket; the verdict leaves it out, because no claim is about it: claim false-denials <= 0';
const denied = spent(1, { outcome: 'denied' });

describe('claims', () => {
  it.each([
    { claims: ['p99(any) <= 1s'], notes: [NOT_CHECKED] },
    { claims: ['contested >= 1', 'info <= 5%'], notes: [NOT_CHECKED] },
    { claims: ['total-excess <= 0'], notes: undefined },
  ])('$claims: says whether none is on correctness', ({ claims, notes }) => {
    const report = checkHistory(historyOf([...spent(2), ...denied], { policy: '2:1/s' }), {
      ...RULES,
      claims: claims.map(parseClaim),
    });
    expect(report.notes).toEqual(notes);
  });

  it.each([
    { claim: 'total-excess <= 0', atMost: 0, notes: [FALSE_DENIALS] },
    { claim: 'false-denials <= 5', atMost: 0, notes: undefined },
    { claim: 'total-excess <= 0', atMost: Number.POSITIVE_INFINITY, notes: undefined },
  ])('$claim, $atMost false denials declared: says which are left out', ({ claim, atMost, notes }) => {
    const parts = [{ bucket: 'b', invokedUs: 1_000, outcome: 'denied' as const }];
    const report = checkHistory(historyOf(parts, { policy: '2:1/s' }), {
      ...RULES,
      claims: [claim, 'sides >= 0%'].map(parseClaim),
      falseDenialsAtMost: atMost,
    });
    expect(report.falseDenials.total).toBe(1);
    expect(report.notes).toEqual(notes);
  });

  it('on correctness do not pass where 99 of 100 requests have no reply', () => {
    const others = Array.from(
      { length: 99 },
      (_, at) => spent(1, { bucket: `b${at}`, outcome: 'info' })[0] ?? {},
    );
    const claims = [parseClaim('total-excess <= 0')];
    const report = checkHistory(historyOf([...spent(1), ...others]), { ...RULES, claims });
    expect(report.verdict).toBe('unknown');
    expect(report.claims.map(({ claim, status }) => [claim, status])).toEqual([
      ['total-excess <= 0', 'holds'],
      ['contested >= 1', 'unknown'],
      ['info <= 50%', 'unknown'],
      ['failed <= 90%', 'holds'],
      ['headroom <= 50%', 'holds'],
    ]);
  });

  it('do not pass where 97 of 100 requests failed', () => {
    const parts = [...spent(2), ...denied, ...spent(97, { outcome: 'failed' })];
    const report = checkHistory(historyOf(parts, { policy: '2:1/s' }), {
      ...RULES,
      contestedBucketsAtLeast: 1,
    });
    expect(report.claims.filter(({ status }) => status !== 'holds').map(({ claim }) => claim)).toEqual([
      'failed <= 90%',
    ]);
  });
});

describe('a cause', () => {
  const apart = [
    ...spent(2, { region: 'east' }),
    ...spent(2, { region: 'west' }),
    ...spent(1, { region: 'west', outcome: 'denied' }),
  ];
  const report = (claim: string) =>
    checkHistory(historyOf(apart, { policy: '2:1/s', header: { regions: ['east', 'west'] } }), {
      ...RULES,
      claims: [claim, 'sides >= 0%'].map(parseClaim),
    });

  it('is why a run fails', () => {
    expect(listRemarks(report('total-excess <= 0'))).toEqual([
      {
        label: 'why',
        sentence: expect.stringMatching(/^each region keeps the limit, but together they exceed it/),
      },
    ]);
  });

  it('V13: is a note where the verdict is unknown', () => {
    const labels = listRemarks({ ...report('total-excess <= 0'), verdict: 'unknown' }).map(
      ({ label }) => label,
    );
    expect(labels).toEqual(['note']);
  });

  it('V13: is a note where only a claim is broken that it does not explain', () => {
    const { claims, ...judged } = report('total-excess <= 5');
    const denials = claims.map((one) => ({ ...one, claim: 'false-denials <= 0', status: 'broken' as const }));
    expect(listRemarks({ ...judged, claims: denials, verdict: 'fail' })).toEqual([
      { label: 'note', sentence: expect.stringMatching(/^each region keeps the limit/) },
    ]);
  });

  it('is a note where it breaks no claim, and says which', () => {
    expect(listRemarks(report('total-excess <= 5'))).toEqual([
      {
        label: 'note',
        sentence: expect.stringMatching(/^each region .*; it breaks no claim: total-excess <= 5 holds$/),
      },
    ]);
  });
});
