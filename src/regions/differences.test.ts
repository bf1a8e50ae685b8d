import { describe, expect, it } from 'vitest';
import { DEFAULT_TOPOLOGY, planTopology, type TopologyOptions } from '../topology/topology.ts';
import { findDifferences, isAsWanted, type WantedCluster } from './differences.ts';
import type { ClusterState } from './store/cluster-state.ts';

const topologyWith = (more: Partial<TopologyOptions> = {}) =>
  planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a', 'b'], roundTripMs: {}, ...more });
const wanted: WantedCluster = { topology: topologyWith(), seed: 1, server: '/bin/redis', provider: 'local' };
const up: ClusterState = {
  ...{ version: 1, name: 'default', startId: '', provider: 'local', createdAt: '', phase: 'up' },
  topology: topologyWith(),
  provision: { seed: 1, binary: { command: '/bin/redis' } },
};

describe('a cluster that is up', () => {
  it.each<{ title: string; want: Partial<WantedCluster>; differs: string[] }>([
    { title: 'matches', want: {}, differs: [] },
    {
      title: 'differs in its regions, without comparing round trips',
      want: { topology: topologyWith({ regions: ['a', 'c'], roundTripMs: { 'a:c': 7 } }) },
      differs: ['regions'],
    },
    {
      title: 'differs in each part of its topology',
      want: {
        topology: topologyWith({
          ...{
            replicas: 0,
            roundTripMs: { 'a:b': 7 },
            jitterMs: 1,
            persistence: 'aof',
            nodeTimeoutMs: 1_000,
          },
        }),
      },
      differs: ['replicas', 'roundTrip', 'jitter', 'persistence', 'nodeTimeout'],
    },
    {
      title: 'differs in its kind and in the replicas that a write needs',
      want: {
        topology: topologyWith({ kind: 'sentinel', minReplicasToWrite: 1, minReplicasMaxLagMs: 2_000 }),
      },
      differs: ['topology', 'minReplicasToWrite', 'minReplicasMaxLag'],
    },
    { title: 'differs in its seed', want: { seed: 2 }, differs: ['seed'] },
    { title: 'runs another server', want: { server: 'redis' }, differs: ['server'] },
    {
      title: 'has another provider and its own servers',
      want: { provider: 'docker' },
      differs: ['provider'],
    },
  ])('$title', ({ want, differs }) => {
    expect(findDifferences({ ...wanted, ...want }, up)).toEqual(differs);
  });

  it('matches if any seed, server and provider are accepted', () => {
    const any: WantedCluster = { topology: wanted.topology, provider: 'auto' };
    expect([findDifferences(any, up), isAsWanted(any, up)]).toEqual([[], true]);
  });

  it('does not match if regions must be separate', () => {
    const apart = topologyWith({ replicas: 0, apart: true });
    const joined = { ...up, topology: topologyWith({ replicas: 0 }) };
    expect(isAsWanted({ topology: apart, provider: 'auto' }, joined)).toBe(false);
  });

  it('has no local server if it runs in containers', () => {
    const containers = { ...up, provider: 'docker', provision: {} };
    expect(findDifferences({ ...wanted, provider: 'auto' }, containers)).toEqual(['server']);
  });
});
