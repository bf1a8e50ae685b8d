import { describe, expect, it } from 'vitest';
import type { NodeRole } from '../../regions/cluster/role-watch.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../topology/topology.ts';
import { lackOfRoles, untilStable } from './settled-watch.ts';

const primary = (slots: string): NodeRole => ({ role: 'primary', slots });
const REPLICA: NodeRole = { role: 'replica', slots: '' };
const DOWN: NodeRole = { role: 'down', slots: '' };
const CLUSTER = planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a', 'b'] });
const PER_REGION_BUCKET = planTopology({
  ...DEFAULT_TOPOLOGY,
  regions: ['a', 'b'],
  replicas: 0,
  apart: true,
});

describe('the roles of a cluster lack', () => {
  it.each([
    {
      title: 'nothing at home',
      nodes: [primary('0-8191'), primary('8192-16383'), REPLICA, REPLICA],
      lack: undefined,
    },
    {
      title: 'nothing after a takeover',
      nodes: [REPLICA, primary('8192-16383'), primary('0 1-8191'), REPLICA],
      lack: undefined,
    },
    {
      title: 'a node that is down',
      nodes: [primary('0-8191'), primary('8192-16383'), DOWN, REPLICA],
      lack: 'a-1 is down',
    },
    {
      title: 'slots',
      nodes: [REPLICA, primary('8192-16383'), REPLICA, REPLICA],
      lack: '8192 of 16384 slots are served',
    },
    {
      title: 'agreement',
      nodes: [primary('0-8191'), primary('8192-16383'), primary('0-8191'), REPLICA],
      lack: '24576 of 16384 slots are served',
    },
  ])('$title', ({ nodes, lack }) => {
    const names = ['a-0', 'b-0', 'a-1', 'b-1'];
    expect(lackOfRoles(CLUSTER, new Map(nodes.map((role, at) => [names[at] ?? '', role])))).toBe(lack);
  });

  it('nothing where each region has a cluster of its own', () => {
    const whole = primary('0-16383');
    expect(
      lackOfRoles(
        PER_REGION_BUCKET,
        new Map([
          ['a-0', whole],
          ['b-0', whole],
        ]),
      ),
    ).toBeUndefined();
    expect(lackOfRoles(PER_REGION_BUCKET, new Map([['a-0', whole]]))).toBe('b-0 is down');
  });
});

describe('a system is stable', () => {
  const TIMES = { everyMs: 1, stableMs: 20 };

  it('once nothing was lacking, and nothing changed, for long enough', async () => {
    const lacks = ['down', undefined, undefined, 'down again'];
    const seen = ['a', 'a', 'a', 'a', 'b', 'b', 'c'];
    let looks = 0;
    let lastAtMs = performance.now();
    await untilStable(
      async () => {
        if (looks === 2) throw new Error('closed');
        if (looks < 7) lastAtMs = performance.now();
        return lacks[looks];
      },
      () => seen[Math.min(looks++, 6)] ?? '',
      new AbortController().signal,
      TIMES,
    );
    expect(looks).toBeGreaterThan(7);
    expect(performance.now() - lastAtMs).toBeGreaterThanOrEqual(TIMES.stableMs);
  });

  it('never once the signal has come', async () => {
    const over = new AbortController();
    const waiting = untilStable(
      async () => undefined,
      () => '',
      over.signal,
      { everyMs: 1, stableMs: 60_000 },
    );
    over.abort();
    await expect(waiting).rejects.toThrow();
  });
});
