import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Episodes } from '../../core/bound.ts';
import { parsePolicy } from '../../core/policy.ts';
import { boundOf } from './bounds.ts';

const S = 1_000_000;
const QUIET: Episodes = {
  shard: 'us-east-0',
  failovers: [],
  emptyRestarts: 0,
  clockStepsUs: [],
  serviceClockSpreadUs: 0,
};
const takeover = (overlapUs: number) => ({ atUs: 7 * S, node: 'ap-south-1', overlapUs });

describe('the bound of central, with 20:5/s', () => {
  const policy = parsePolicy('20:5/s');
  it.each([
    { title: 'is 0 while nothing happens', episodes: {}, want: 0 },
    { title: 'is a bucket for a failover', episodes: { failovers: [takeover(0)] }, want: 20 },
    { title: 'adds the refill of an overlap', episodes: { failovers: [takeover(0.1 * S)] }, want: 20.5 },
    { title: 'adds up failovers', episodes: { failovers: [takeover(0), takeover(2 * S)] }, want: 50 },
    { title: 'is a bucket for an empty restart', episodes: { emptyRestarts: 2 }, want: 40 },
    { title: 'is the refill of a step ahead', episodes: { clockStepsUs: [2 * S] }, want: 10 },
    { title: 'is a bucket at most for a step', episodes: { clockStepsUs: [60 * S, S] }, want: 25 },
    { title: "does not look at the services' clocks", episodes: { serviceClockSpreadUs: 9 * S }, want: 0 },
  ])('$title: $want', ({ episodes, want }) => {
    const bound = boundOf('central', policy, { ...QUIET, ...episodes });
    expect(bound).toMatchObject({ totalExcess: want, worstWindow: want });
  });

  it('shows its numbers', () => {
    const bound = boundOf('central', policy, {
      ...QUIET,
      failovers: [takeover(0.1 * S)],
      emptyRestarts: 1,
      clockStepsUs: [S],
    });
    expect(bound?.formula).toBe(
      '(20 + 5/s * 0.1 s overlap, takeover by ap-south-1) + 1 empty restart * 20 + min(20, 5/s * 1 s clock step) = 45.5',
    );
  });
});

describe('the bound of acked, with 20:5/s', () => {
  const policy = parsePolicy('20:5/s');
  const ahead = (clockAheadUs: number) => ({ ...takeover(0), clockAheadUs });
  it.each([
    { title: 'is 0 while nothing happens', episodes: {}, want: 0 },
    { title: 'is 0 for failovers', episodes: { failovers: [takeover(0), takeover(2 * S)] }, want: 0 },
    {
      title: 'is the refill of a clock ahead',
      episodes: { failovers: [ahead(0.2 * S), takeover(0)] },
      want: 1,
    },
    { title: 'is a bucket at most for a clock ahead', episodes: { failovers: [ahead(60 * S)] }, want: 20 },
    { title: 'is a bucket for an empty restart', episodes: { emptyRestarts: 2 }, want: 40 },
    { title: 'is the refill of a step ahead', episodes: { clockStepsUs: [2 * S, 60 * S] }, want: 30 },
  ])('$title: $want', ({ episodes, want }) => {
    const bound = boundOf('acked', policy, { ...QUIET, ...episodes });
    expect(bound).toMatchObject({ totalExcess: want, worstWindow: want });
  });

  it('shows its numbers', () => {
    const episodes = { ...QUIET, failovers: [ahead(0.2 * S)], clockStepsUs: [S] };
    expect(boundOf('acked', policy, episodes)?.formula).toBe(
      'min(20, 5/s * 0.2 s clock lead of ap-south-1) + min(20, 5/s * 1 s clock step) = 6',
    );
  });
});

describe('the bound of active-active, with 20:5/s', () => {
  const policy = parsePolicy('20:5/s');
  const heard = { regions: 3, ageUs: 0, clockSpreadUs: 0 };
  it.each([
    { title: 'is a bucket for each other region', episodes: { sideBySide: heard }, want: 40 },
    { title: 'is 0 for one region', episodes: { sideBySide: { ...heard, regions: 1 } }, want: 0 },
    { title: 'adds the refill of the age', episodes: { sideBySide: { ...heard, ageUs: 2 * S } }, want: 60 },
    { title: 'adds that of the spread', episodes: { sideBySide: { ...heard, clockSpreadUs: S } }, want: 45 },
  ])('$title: $want', ({ episodes, want }) => {
    for (const strategy of ['active-active', 'active-active-lww'])
      expect(boundOf(strategy, policy, { ...QUIET, ...episodes })).toMatchObject({
        totalExcess: null,
        worstWindow: want,
      });
  });

  it.each([
    {
      title: 'a region had not heard of all others',
      episodes: { sideBySide: { ...heard, ageUs: null } },
      why: /before it had data of every other region/,
    },
    {
      title: 'a region lost its state',
      episodes: { sideBySide: heard, emptyRestarts: 1 },
      why: /a region lost its state \(1\)/,
    },
    {
      title: 'a clock stepped forward',
      episodes: { sideBySide: heard, clockStepsUs: [S] },
      why: /the clock of a region stepped \(1 s\)/,
    },
    {
      title: 'a clock stepped back',
      episodes: { sideBySide: heard, clockStepsUs: [-30 * S] },
      why: /the clock of a region stepped \(-30 s\)/,
    },
    {
      title: 'spends came later than they are kept',
      episodes: { sideBySide: { ...heard, ageUs: 61 * S } },
      why: /later than the 60 s/,
    },
    {
      title: 'clocks are further apart than spends are kept',
      episodes: { sideBySide: { ...heard, clockSpreadUs: 61 * S } },
      why: /later than the 60 s/,
    },
  ])('is not declared if $title, and gives the reason', ({ episodes, why }) =>
    expect(boundOf('active-active', policy, { ...QUIET, ...episodes })).toEqual({
      totalExcess: null,
      worstWindow: null,
      formula: expect.stringMatching(why),
    }),
  );
});

describe('the bound of article, with 100:10/s', () => {
  const policy = parsePolicy('100:10/s');
  it.each([
    { title: 'is a second of refill', episodes: {}, want: 10 },
    { title: 'adds the spread of the clocks', episodes: { serviceClockSpreadUs: 2 * S }, want: 30 },
    {
      title: 'adds what central declares, and a second again',
      episodes: { failovers: [takeover(0)] },
      want: 120,
    },
    { title: 'is a second again for a step, and its refill', episodes: { clockStepsUs: [3 * S] }, want: 50 },
  ])('$title: $want in one window, the total is not declared', ({ episodes, want }) => {
    const bound = boundOf('article', policy, { ...QUIET, ...episodes });
    expect(bound).toMatchObject({ totalExcess: null, worstWindow: want });
  });
});

it('of article knows how long admissions took and buckets rested', () => {
  const admissions = () => ({ longestUs: 0.25 * S, rests: 2 });
  const bound = boundOf('article', parsePolicy('20:4/s'), QUIET, 'closed', admissions);
  expect(bound?.formula).toBe(
    "one window: 3 * 4/s * (1 s + 0 s between the services' clocks + 0.25 s of the longest admission) = 15; total: not declared",
  );
});

it('is none of a strategy that declares none', () => {
  expect(boundOf('magic', parsePolicy('20:5/s'), QUIET)).toBeUndefined();
});

it('never falls when more happens, and never rises above a bucket and its overlap for each event', () => {
  const us = fc.integer({ min: 0, max: 100 * S });
  const episodes = fc.record({
    overlaps: fc.array(us, { maxLength: 4 }),
    emptyRestarts: fc.integer({ min: 0, max: 4 }),
    clockStepsUs: fc.array(us, { maxLength: 4 }),
    more: us,
  });
  const policies = fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 1_000 }));
  fc.assert(
    fc.property(policies, episodes, ([capacity, rate], { overlaps, emptyRestarts, clockStepsUs, more }) => {
      const policy = parsePolicy(`${capacity}:${rate}/s`);
      const totalOf = (changes: Partial<Episodes>) => {
        const all = { ...QUIET, failovers: overlaps.map(takeover), emptyRestarts, clockStepsUs, ...changes };
        return boundOf('central', policy, all)?.totalExcess ?? Number.NaN;
      };
      const total = totalOf({});
      const events = overlaps.length + emptyRestarts + clockStepsUs.length;
      const overlapSeconds = overlaps.reduce((sum, overlapUs) => sum + overlapUs, 0) / S;
      expect(total).toBeLessThanOrEqual(events * capacity + rate * overlapSeconds + 1e-6);
      for (const grown of [
        { failovers: [...overlaps, more].map(takeover) },
        { emptyRestarts: emptyRestarts + 1 },
        { clockStepsUs: [...clockStepsUs, more] },
      ])
        expect(totalOf(grown)).toBeGreaterThanOrEqual(total);
    }),
    { seed: 1 },
  );
});

describe('the bound with a failure policy, with 20:5/s', () => {
  const policy = parsePolicy('20:5/s');
  const of = (region: string, seconds: number) => ({
    ...{ region, fromUs: 5 * S, untilUs: (5 + seconds) * S, admissions: 9 },
  });
  const fellBack = { ...QUIET, failovers: [takeover(0)], fallbacks: [of('eu-west', 8), of('ap-south', 2)] };

  it('adds a share of each region that fell back, for as long as it did', () => {
    const bound = boundOf('acked', policy, fellBack, { localShare: 3 });
    expect(bound).toMatchObject({ totalExcess: 30, worstWindow: 30 });
    expect(bound?.formula).toBe(
      '0: no state lost, no step of the clock; and local shares: (20 + 5/s * 8 s of eu-west) / 3 + (20 + 5/s * 2 s of ap-south) / 3 = 30',
    );
    expect(boundOf('central', policy, fellBack, { localShare: 3 })).toMatchObject({ totalExcess: 50 });
    expect(boundOf('article', policy, fellBack, { localShare: 3 })).toMatchObject({
      totalExcess: null,
      worstWindow: 60,
    });
  });

  it('declares nothing where everything was allowed, and its own where nothing was', () => {
    expect(boundOf('central', policy, fellBack, 'open')).toMatchObject({
      totalExcess: null,
      worstWindow: null,
      formula: expect.stringMatching(
        /^no bound is declared for admissions of the failure policy: \d+ operations$/,
      ),
    });
    expect(boundOf('central', policy, { ...QUIET, failovers: [takeover(0)] }, 'open')).toMatchObject({
      totalExcess: 20,
    });
  });
});
