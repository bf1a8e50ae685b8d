import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import type { DecisionSource } from '../../core/decision.ts';
import { parsePolicy } from '../../core/policy.ts';
import type { History } from '../../history/history.ts';
import type { HistoryRecord } from '../../history/records/operation.ts';
import { boundOf } from '../../limiter/strategies/bounds.ts';
import type { FailurePolicy } from '../../limiter/wrappers/failure-policy.ts';
import { checkHistory } from '../check.ts';
import { boundClock } from '../clocks/bounds.ts';
import { findEpisodes } from './shard-events.ts';

const S = 1_000_000;

/** A decision from 0.1 s before to `atS`. */
const decided = (atS: number, source: DecisionSource, part: OperationPart = {}): OperationPart => ({
  invokedUs: Math.round((atS - 0.1) * S),
  completedUs: atS * S,
  region: 'eu-west',
  decision: { strategy: 'central', source, node: source === 'redis' ? 'a' : 'none' },
  ...part,
});

function shardsOf(parts: readonly OperationPart[], records: readonly HistoryRecord[] = []) {
  return shardsIn(historyOf(parts, { records }));
}

function shardsIn(history: History) {
  const clock = { ...boundClock(history.clock), offsets: () => new Map() };
  return findEpisodes({ ...history, regions: history.header.regions }, clock);
}

/** A bucket of this policy takes 4 s to fill. */
const FILL_S = 4;

describe('what a failure policy decided', () => {
  it.each([
    { title: 'is nothing where the store decided', parts: [decided(1, 'redis')], want: undefined },
    {
      title: 'is nothing where it only denied',
      parts: [decided(1, 'redis'), decided(2, 'fallback', { outcome: 'denied' })],
      want: undefined,
    },
    {
      title: 'is one episode from the first admission to the last',
      parts: [decided(1, 'redis'), decided(2, 'fallback'), decided(9, 'fallback'), decided(5.5, 'fallback')],
      want: [{ region: 'eu-west', fromUs: 1.9 * S, untilUs: 9 * S, admissions: 3 }],
    },
    {
      title: 'is one of each region',
      parts: [decided(1, 'redis'), decided(2, 'fallback'), decided(3, 'fallback', { region: 'ap-south' })],
      want: [
        { region: 'eu-west', fromUs: 1.9 * S, untilUs: 2 * S, admissions: 1 },
        { region: 'ap-south', fromUs: 2.9 * S, untilUs: 3 * S, admissions: 1 },
      ],
    },
    {
      title: 'is one of each service of a region',
      parts: [
        decided(1, 'redis'),
        decided(2, 'fallback', { instance: '1' }),
        decided(3, 'fallback', { instance: '2' }),
      ],
      want: [
        { region: 'eu-west', instance: '1', fromUs: 1.9 * S, untilUs: 2 * S, admissions: 1 },
        { region: 'eu-west', instance: '2', fromUs: 2.9 * S, untilUs: 3 * S, admissions: 1 },
      ],
    },
    {
      title: 'is another once a share is full again',
      parts: [decided(1, 'redis'), decided(2, 'fallback'), decided(2.2 + FILL_S, 'fallback')],
      want: [
        { region: 'eu-west', fromUs: 1.9 * S, untilUs: 2 * S, admissions: 1 },
        { region: 'eu-west', fromUs: (2.1 + FILL_S) * S, untilUs: (2.2 + FILL_S) * S, admissions: 1 },
      ],
    },
    {
      title: 'is the same until then',
      parts: [decided(1, 'redis'), decided(2, 'fallback'), decided(2 + FILL_S, 'fallback')],
      want: [{ region: 'eu-west', fromUs: 1.9 * S, untilUs: (2 + FILL_S) * S, admissions: 2 }],
    },
  ])('$title', ({ parts, want }) => {
    const shards = shardsOf(parts);
    expect(shards.all).toHaveLength(1);
    expect(shards.all[0]?.failovers).toEqual([]); // a region that fell back is not a node
    expect(shards.episodesOf(0)?.fallbacks).toEqual(want);
  });

  const restart = (atS: number, args: object): HistoryRecord => ({
    ...{ type: 'fault', fault: 'restart-service', phase: 'heal', atUs: atS * S },
    args: { region: 'eu-west', ...args },
  });

  it.each([
    { title: 'its region', args: {}, want: 2 },
    { title: 'the service', args: { instance: 2 }, want: 2 },
    { title: 'another service', args: { instance: 1 }, want: 1 },
    { title: 'another region', args: { region: 'ap-south' }, want: 1 },
  ])('is a full share more if a restart of $title gave it one', ({ args, want }) => {
    const part = { instance: '2' };
    const parts = [decided(1, 'redis'), decided(2, 'fallback', part), decided(5, 'fallback', part)];
    const of = (atS: number) => shardsOf(parts, [restart(atS, args)]).episodesOf(0)?.fallbacks;
    expect(of(3)).toHaveLength(want);
    expect(of(3)?.[1] ?? { admissions: 0 }).toMatchObject({ admissions: 0 });
    expect(of(1.5)).toHaveLength(1);
    expect(of(6)).toHaveLength(1);
  });
});

describe('the bound of shares of a third', () => {
  const POLICIES = { burst: parsePolicy('10:10/s'), hourly: parsePolicy('1000:1000/h') };
  const policies = Object.fromEntries(
    Object.entries(POLICIES).map(([name, { capacityTokens, refill }]) => [
      name,
      { capacity: capacityTokens, refill },
    ]),
  );
  const check = (parts: readonly OperationPart[], onFailure: FailurePolicy = { localShare: 3 }) =>
    checkHistory(historyOf(parts, { header: { policies } }), {
      busiest: [],
      boundOf: (policy, episodes) => boundOf('central', policy, episodes, onFailure),
    });
  /** Of one user, charged by these policies. */
  const charged = (names: readonly string[], part: OperationPart): OperationPart => ({
    ...part,
    charges: names.map((policy) => ({ bucket: 'u', cost: 1, policy })),
  });
  /** Two outages of a second, a minute apart. */
  const OUTAGES = [1.1, 2, 61.1, 62];

  it('is that of a policy alone beside one that fills more slowly', () => {
    const of = (names: readonly string[]) => {
      const parts = [decided(0.5, 'redis'), ...OUTAGES.map((atS) => decided(atS, 'fallback'))];
      const { shards } = check(parts.map((part) => charged(names, part)));
      return shards.find(({ policy }) => policy.startsWith('burst='))?.bound?.totalExcess;
    };
    expect(of(['burst'])).toBeCloseTo((2 * (10 + 10 * 1)) / 3);
    expect(of(['burst', 'hourly'])).toBe(of(['burst']));
  });

  it('counts an operation once in each policy', () => {
    const parts = [decided(0.5, 'redis'), ...OUTAGES.map((atS) => decided(atS, 'fallback'))];
    const { shards } = check(
      parts.map((part) => charged(['burst', 'hourly'], part)),
      'open',
    );
    const nothing = 'no bound is declared for admissions of the failure policy: 4 operations';
    expect(shards.map(({ bound }) => bound?.formula)).toEqual([nothing, nothing]);
  });

  it('needs no node where failure policies decided every admission', () => {
    const [fallback, { decision: _, ...unknown }] = [decided(2, 'fallback'), decided(3, 'redis')];
    const boundsOf = (parts: readonly OperationPart[]) =>
      check(parts.map((part) => charged(['burst'], part))).shards.map(({ bound }) => bound?.totalExcess);
    const share = [expect.closeTo((10 + 10 * 0.1) / 3)];
    expect(boundsOf([fallback])).toEqual(share);
    expect(boundsOf([fallback, { ...unknown, outcome: 'denied' }])).toEqual(share);
    expect(boundsOf([fallback, unknown])).toEqual([undefined]);
  });
});
