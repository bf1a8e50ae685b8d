import { describe, expect, it } from 'vitest';
import { parseScenario } from './parse.ts';

const planOf = (written: object) =>
  parseScenario(`# why\n${JSON.stringify({ claims: ['total-excess <= bound'], ...written })}`, {
    file: 'mine.yaml',
  });
const topologyOf = (topology: object) => planOf({ topology }).topology;

describe('a topology with one primary', () => {
  it('has replicas of its kind by default', () => {
    expect(topologyOf({ kind: 'single' })).toMatchObject({ kind: 'single', replicas: 0 });
    expect(topologyOf({ kind: 'sentinel' })).toMatchObject({ kind: 'sentinel', replicas: 1 });
    expect(topologyOf({ kind: 'cluster' })).not.toHaveProperty('kind');
  });

  it('has the settings of a primary that is short of replicas', () =>
    expect(topologyOf({ kind: 'sentinel', minReplicasToWrite: 1, minReplicasMaxLag: '2s' })).toMatchObject({
      minReplicasToWrite: 1,
      minReplicasMaxLagMs: 2_000,
    }));

  it.each([
    {
      title: 'regions with a bucket each',
      written: { topology: { kind: 'sentinel' }, strategy: 'active-active' },
      says: 'topology sentinel has one primary for all regions',
    },
    {
      title: 'reads of replicas',
      written: { topology: { kind: 'sentinel' }, strategy: 'replica-reads' },
      says: 'reads the replicas of a Redis Cluster; it cannot run on topology sentinel',
    },
    {
      title: 'acknowledged decisions without a replica',
      written: { topology: { kind: 'single' }, strategy: 'acked' },
      says: 'strategy acked waits for replicas; it needs at least 1, found 0',
    },
    {
      title: 'replicas of a single server',
      written: { topology: { kind: 'single', replicas: 1 } },
      says: 'a single server has no replicas; found 1',
    },
    {
      title: 'a failover of a single server',
      written: {
        topology: { kind: 'single' },
        faults: [{ fault: 'failover', node: 'us-east-0', at: '5s', for: '8s' }],
      },
      says: 'expected one of the replicas (this topology has none); found "us-east-0"',
    },
    {
      title: 'a fault of a node of another kind',
      written: {
        topology: { kind: 'sentinel' },
        faults: [{ fault: 'kill', node: 'us-east-1', at: '5s', for: '8s' }],
      },
      says: 'expected one of the nodes: us-east-0, eu-west-0, ap-south-0; found "us-east-1"',
    },
  ])('refuses $title', ({ written, says }) => expect(() => planOf(written)).toThrow(says));
});
