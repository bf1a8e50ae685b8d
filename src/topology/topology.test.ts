import { describe, expect, it } from 'vitest';
import { quorumOf } from './one-primary.ts';
import {
  DEFAULT_TOPOLOGY,
  oneWayMs,
  optionsOf,
  planTopology,
  replicasOfPrimary,
  type TopologyOptions,
} from './topology.ts';

it.each([
  { trip: 80, there: 40, back: 40 },
  { trip: 5, there: 3, back: 2 },
  { trip: 4.6, there: 3, back: 2 },
  { trip: 0, there: 0, back: 0 },
])('a round trip of $trip ms is $there ms there and $back ms back', ({ trip, there, back }) => {
  const topology = { regions: ['a', 'b'], roundTripMs: { 'a:b': trip } };
  expect(oneWayMs(topology, { from: 'a', to: 'b' })).toBe(there);
  expect(oneWayMs(topology, { from: 'b', to: 'a' })).toBe(back);
});

describe('one primary for all regions', () => {
  const plan = (more: Partial<TopologyOptions>) =>
    planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a', 'b', 'c'], ...more });

  it.each<{ title: string; options: Partial<TopologyOptions>; nodes: string[]; sentinels: string[] }>([
    { title: 'single', options: { kind: 'single', replicas: 0 }, nodes: ['a-0'], sentinels: [] },
    {
      title: 'sentinel',
      options: { kind: 'sentinel' },
      nodes: ['a-0', 'b-0', 'c-0'],
      sentinels: ['a-sentinel 1', 'b-sentinel 1', 'c-sentinel 1'],
    },
    {
      title: 'sentinel with two replicas a region',
      options: { kind: 'sentinel', replicas: 2 },
      nodes: ['a-0', 'b-0', 'b-1', 'c-0', 'c-1'],
      sentinels: ['a-sentinel 1', 'b-sentinel 2', 'c-sentinel 2'],
    },
    {
      title: 'sentinel in one region',
      options: { kind: 'sentinel', regions: ['a'], replicas: 2 },
      nodes: ['a-0', 'a-1', 'a-2'],
      sentinels: ['a-sentinel 3'],
    },
  ])('is planned as $title', ({ options, nodes, sentinels }) => {
    const topology = plan(options);
    expect(topology.nodes.map(({ name }) => name)).toEqual(nodes);
    expect(topology.nodes.map(({ replicaOf }) => replicaOf)).toEqual(
      nodes.map((_, at) => (at === 0 ? undefined : 'a-0')),
    );
    expect(topology.sentinels.map(({ name, index }) => `${name} ${index}`)).toEqual(sentinels);
    expect(replicasOfPrimary(optionsOf(topology))).toBe(nodes.length - 1);
    expect(planTopology(optionsOf(topology))).toEqual(topology);
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [5, 3],
  ])('%i Sentinels need %i to agree', (count, quorum) => {
    const regions = ['a', 'b', 'c', 'd', 'e'].slice(0, count);
    expect(quorumOf(plan({ kind: 'sentinel', regions }))).toBe(quorum);
  });

  it.each<{ says: string; options: Partial<TopologyOptions> }>([
    { says: 'a single server has no replicas; found 1', options: { kind: 'single', replicas: 1 } },
    { says: 'needs a primary in each', options: { kind: 'sentinel', apart: true, replicas: 0 } },
    {
      says: 'must be 0 to 2, the replicas of a primary',
      options: { kind: 'sentinel', minReplicasToWrite: 3 },
    },
    {
      says: 'a primary of this topology has no replicas; found minReplicasToWrite 1',
      options: { kind: 'single', replicas: 0, minReplicasToWrite: 1 },
    },
    { says: 'needs minReplicasToWrite', options: { kind: 'sentinel', minReplicasMaxLagMs: 2_000 } },
    {
      says: 'must be whole seconds, at least 1s; found 1500 ms',
      options: { kind: 'sentinel', minReplicasToWrite: 1, minReplicasMaxLagMs: 1_500 },
    },
  ])('is refused: $says', ({ says, options }) => {
    expect(() => plan(options)).toThrow(says);
  });
});
