import { describe, expect, it } from 'vitest';
import { simulateOnePrimary } from '../../../test/support/simulated-nodes.ts';
import type { Event, FaultRecord } from '../../history/records/operation.ts';
import type { PlannedFault } from '../../scenario/plan.ts';
import type { FaultyServices } from './fault.ts';
import { SimulatedFaultSchedule } from './fault-schedule.ts';

const THREE = { regions: ['a', 'b', 'c'], roundTripMs: { 'a:b': 10, 'b:c': 10, 'a:c': 10 } };
const NO_SERVICES = {} as FaultyServices;

/** One primary behind Sentinels, or a single server, with one fault from 5 to 13 s. */
function play(fault: PlannedFault, kind: 'sentinel' | 'single' = 'sentinel') {
  const system = simulateOnePrimary({ ...THREE, kind, ...(kind === 'single' && { replicas: 0 }) });
  const { time, topology, network, cluster, until } = system;
  const records: (FaultRecord | Event)[] = [];
  const schedule = new SimulatedFaultSchedule({
    ...{ faults: [fault], seed: 1, record: (record) => records.push(record) },
    system: {
      topology,
      time,
      links: network.links,
      access: network.access,
      nodes: cluster,
      services: NO_SERVICES,
    },
  });
  schedule.start(() => {
    throw schedule.failure;
  });
  const settledMs = async () => {
    await until('it to settle', () => records.length === 4);
    const [, healed, , settled] = records;
    return ((settled?.atUs ?? 0) - (healed?.atUs ?? 0)) / 1_000;
  };
  return { ...system, records, settledMs };
}

const TIMES = { atMs: 5_000, forMs: 8_000 };

describe('a fault behind simulated Sentinels', () => {
  it.each<{ title: string; fault: PlannedFault; leastMs: number; mostMs: number }>([
    {
      title: 'that cuts the primary off settles when that is demoted',
      fault: { fault: 'partition', mode: 'blackhole', isolate: ['a'], ...TIMES },
      ...{ leastMs: 8_000, mostMs: 20_000 },
    },
    {
      title: 'that refuses connections does, too',
      fault: { fault: 'partition', mode: 'refuse', isolate: ['a'], ...TIMES },
      ...{ leastMs: 8_000, mostMs: 20_000 },
    },
    {
      title: 'that kills the primary does, too',
      fault: { fault: 'kill', node: 'a-0', ...TIMES },
      ...{ leastMs: 8_000, mostMs: 21_000 },
    },
    {
      title: 'that stops the primary does, too',
      fault: { fault: 'pause', node: 'a-0', ...TIMES },
      ...{ leastMs: 8_000, mostMs: 20_000 },
    },
    {
      title: 'that orders a failover settles when the former primary is demoted',
      fault: { fault: 'failover', node: 'c-0', atMs: 5_000, forMs: 1_000 },
      ...{ leastMs: 1_000, mostMs: 20_000 },
    },
    {
      title: 'that restarts the primary without its data settles at once: no Sentinel held it for down',
      fault: { fault: 'restart-empty', node: 'a-0', atMs: 5_000, forMs: 1_000 },
      ...{ leastMs: 1_000, mostMs: 5_000 },
    },
    {
      title: 'that kills a replica settles once it follows again',
      fault: { fault: 'kill', node: 'b-0', ...TIMES },
      ...{ leastMs: 1_000, mostMs: 5_000 },
    },
  ])('$title', async ({ fault, leastMs, mostMs }) => {
    const { records, settledMs } = play(fault);
    const tookMs = await settledMs();
    expect(tookMs).toBeGreaterThanOrEqual(leastMs);
    expect(tookMs).toBeLessThan(mostMs);
    expect(records[2]).toMatchObject({ event: 'proof', args: { fault: fault.fault, bit: true } });
  });

  it('that loses replies also loses those to Sentinels of the region', async () => {
    const { cluster, pass } = play({ fault: 'drop-reply', regions: ['b', 'c'], atMs: 1_000, forMs: 30_000 });
    await pass(12_000); // the Sentinels of b and c have no answer of the primary, and each reaches its own replica only
    expect(['b-0', 'c-0'].some((node) => cluster.roleOf(node).role === 'primary')).toBe(true);
  });
});

describe('a fault of a single simulated server', () => {
  it.each(['kill', 'restart', 'restart-empty', 'pause'] as const)('%s ends with its heal', async (fault) => {
    const { records, settledMs } = play({ fault, node: 'a-0', ...TIMES }, 'single');
    expect(await settledMs()).toBeLessThan(3_000);
    expect(records[2]).toMatchObject({ args: { bit: true } });
  });
});
