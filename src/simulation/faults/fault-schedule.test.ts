import { describe, expect, it } from 'vitest';
import { add, simulateNodes } from '../../../test/support/simulated-nodes.ts';
import { type Event, type FaultRecord, SLOTS_EVENT } from '../../history/records/operation.ts';
import { FAULT_NAMES } from '../../scenario/faults/index.ts';
import type { PlannedFault } from '../../scenario/plan.ts';
import type { TopologyOptions } from '../../topology/topology.ts';
import type { FaultyServices } from './fault.ts';
import { SimulatedFaultSchedule } from './fault-schedule.ts';
import { whyNotSimulated } from './registry.ts';

/** A key of us-east. */
const OF_US = 'b';
const [AT, FOR] = [{ atMs: 5_000 }, { forMs: 8_000 }];

/** One service in each region, which starts at once. */
class Services implements FaultyServices {
  aheadMs = 0;
  startsNone = false;
  #id: string | undefined = 'first';

  setClock(_region: string, aheadMs: number): void {
    this.aheadMs = aheadMs;
  }
  clockAheadMs(): number {
    return this.aheadMs;
  }
  kill(): void {
    this.#id = undefined;
  }
  start(): void {
    if (!this.startsNone) this.#id ??= 'second';
  }
  failureOf(): undefined {}
  idsOf(): (string | undefined)[] {
    return [this.#id];
  }
}

/** A cluster with these faults; the load starts at 0. Records are texts like `inject partition at 5.0`, in seconds. */
function play(faults: readonly PlannedFault[], more: Partial<TopologyOptions> = {}, seed = 1) {
  const { time, topology, network, cluster, roles, pass, until, connect } = simulateNodes(more, seed);
  const records: string[] = [];
  const services = new Services();
  const record = (noted: FaultRecord | Event) => {
    const at = `at ${(noted.atUs / 1_000_000).toFixed(1)}`;
    if (noted.type === 'event' && noted.event === SLOTS_EVENT)
      records.push(`moved from ${noted.args?.from} to ${noted.args?.to} ${at}`);
    else if (noted.type === 'fault') records.push(`${noted.phase} ${noted.fault} ${at}`);
    else
      records.push(
        `${noted.args?.bit === true ? 'saw' : 'missed'} ${noted.args?.fault} ${at}: ${noted.args?.saw}`,
      );
  };
  const { links, access } = network;
  const schedule = new SimulatedFaultSchedule({
    ...{ faults, seed: 1, record },
    system: { topology, time, links, access, nodes: cluster, services },
  });
  const failed: string[] = [];
  schedule.start(() => failed.push('failed'));
  return { records, schedule, failed, services, network, cluster, roles, pass, until, connect };
}

describe('a fault of a simulation is injected, seen, healed, and the nodes settle', () => {
  const isolated = 'the simulated network passes nothing from us-east to eu-west';
  it.each<{ fault: PlannedFault; saw: RegExp }>([
    {
      fault: { fault: 'partition', mode: 'blackhole', isolate: ['eu-west'], ...AT, ...FOR },
      saw: new RegExp(`^${isolated}; .* from eu-west to ap-south`),
    },
    {
      fault: { fault: 'partition', mode: 'refuse', from: ['us-east'], to: ['eu-west'], ...AT, ...FOR },
      saw: new RegExp(`^${isolated}$`),
    },
    {
      fault: {
        fault: 'flap',
        mode: 'refuse',
        bridge: ['us-east', 'eu-west'],
        downMs: 500,
        upMs: 500,
        ...AT,
        ...FOR,
      },
      saw: /cut us-east to eu-west, eu-west to us-east: times \d+$/,
    },
    {
      fault: {
        fault: 'latency',
        between: ['us-east', 'eu-west'],
        addMs: 300,
        jitterMs: 0,
        rampMs: 1_000,
        ...AT,
        ...FOR,
      },
      saw: /delays us-east to eu-west by 340 ms instead of 40 ms/,
    },
    {
      fault: { fault: 'bandwidth', between: ['us-east', 'eu-west'], rateKBps: 99.6, ...AT, ...FOR },
      saw: /passes us-east to eu-west 100 kB\/s for each connection/,
    },
    {
      fault: { fault: 'drop-reply', regions: ['eu-west'], ...AT, ...FOR },
      saw: /drops replies to requests from eu-west/,
    },
    { fault: { fault: 'kill', node: 'us-east-0', ...AT, ...FOR }, saw: /^us-east-0 does not run$/ },
    {
      fault: { fault: 'restart', node: 'us-east-0', ...AT, ...FOR },
      saw: /^us-east-0 ended, and runs again$/,
    },
    {
      fault: { fault: 'restart-empty', node: 'us-east-0', ...AT, ...FOR },
      saw: /^us-east-0 ended, and runs again$/,
    },
    {
      fault: { fault: 'restart-service', region: 'eu-west', ...AT, ...FOR },
      saw: /^another process of service 1 of eu-west runs than before$/,
    },
    { fault: { fault: 'pause', node: 'us-east-0', ...AT, ...FOR }, saw: /^us-east-0 is stopped/ },
    {
      fault: { fault: 'failover', node: 'eu-west-1', ...AT, ...FOR },
      saw: /^eu-west-1 was a replica and is a primary$/,
    },
    {
      fault: { fault: 'gateway-clock', region: 'eu-west', offsetMs: -7, ...AT, ...FOR },
      saw: /of eu-west moved by -7 ms$/,
    },
    {
      fault: { fault: 'node-clock', node: 'us-east-0', stepMs: 9, ...AT, ...FOR },
      saw: /of us-east-0 moved by 9 ms$/,
    },
    {
      fault: { fault: 'store-outage', mode: 'refuse', regions: ['eu-west'], ...AT, ...FOR },
      saw: /passes nothing of the clients of eu-west$/,
    },
    {
      fault: { fault: 'slow-store', latencyMs: 501, ...AT, ...FOR },
      saw: /adds 501 ms to each answer to us-east; /,
    },
  ])('$fault.fault', async ({ fault, saw }) => {
    const { records, schedule, until, pass } = play([fault]);
    await pass(5_500);
    expect(schedule.inForce).toEqual([fault.fault]);
    await until('it to settle', () => records.length === 4);
    const [injected, healed, proved, settled] = records;
    expect(injected).toBe(`inject ${fault.fault} at 5.0`);
    expect(healed).toMatch(new RegExp(`^heal ${fault.fault} at 13.\\d$`));
    expect(proved).toMatch(new RegExp(`^saw ${fault.fault} at 13`));
    expect(proved?.replace(/^saw \S+ at [\d.]+: /, '')).toMatch(saw);
    expect(settled).toMatch(new RegExp(`^settled ${fault.fault} at (1[4-9]|2\\d)\\.`));
    expect([schedule.inForce, schedule.problems]).toEqual([[], []]);
  });

  it('reads the clock of a service before it is changed', async () => {
    const { records, pass } = play([
      { fault: 'gateway-clock', region: 'eu-west', offsetMs: 3_000, atMs: 0, forMs: 3_000 },
    ]);
    await pass(6_000);
    expect(records.slice(0, 2)).toEqual(['inject gateway-clock at 2.2', 'heal gateway-clock at 5.2']);
  });

  it('is every fault, or one that says why not', () => {
    const refused = FAULT_NAMES.filter((name) => whyNotSimulated(name) !== undefined);
    expect(refused).toEqual(['command']);
  });
});

describe('a fault in a simulation', () => {
  it('that moves slots records when they move, and brings them back', async () => {
    const { records, cluster, roles, until } = play([
      { fault: 'move-slots', from: 'us-east', to: 'eu-west', slots: 50, ...AT, ...FOR },
    ]);
    await until('it to settle', () => records.length === 6);
    expect(records.map((text) => text.replace(/ at .*/, ''))).toEqual([
      ...['inject move-slots', 'moved from us-east-0 to eu-west-0', 'moved from eu-west-0 to us-east-0'],
      ...['heal move-slots', 'saw move-slots', 'settled move-slots'],
    ]);
    expect(records[4]).toMatch(/: 50 slots are not where the plan has them$/);
    const texts = roles.map((event) => ('slots' in event ? `${event.node} ${event.slots}` : event.event));
    expect(texts).toEqual([
      'eu-west-0 5412-10922',
      'us-east-0 0-5411',
      'us-east-0 0-5461',
      'eu-west-0 5462-10922',
    ]);
    expect(cluster.awayFromHome()).toEqual([]);
  });

  it('that kills a primary is healed once a replica has taken over', async () => {
    const { records, cluster, until } = play([{ fault: 'kill', node: 'us-east-0', atMs: 5_000, forMs: 100 }]);
    await until('it to settle', () => records.length === 4);
    expect(records.slice(0, 2)).toEqual(['inject kill at 5.0', 'heal kill at 5.1']);
    expect(cluster.roleOf('eu-west-1').role).toBe('primary');
    expect(cluster.roleOf('us-east-0').role).toBe('replica');
  });

  it('that restarts a node leaves it without its data', async () => {
    const { records, roles, until } = play([
      { fault: 'restart-empty', node: 'us-east-0', atMs: 5_000, forMs: 500 },
    ]);
    await until('it to settle', () => records.length === 4);
    expect(roles).toContainEqual(
      expect.objectContaining({ event: 'restarted', node: 'us-east-0', isEmpty: true }),
    );
  });

  it('that promotes a replica of a node without data, before that serves, leaves the shard without its data', async () => {
    const { records, roles, pass, until, connect } = play([
      { fault: 'restart-empty', node: 'us-east-0', atMs: 4_800, forMs: 300 },
      { fault: 'failover', node: 'eu-west-1', atMs: 4_900, forMs: 300 },
    ]);
    await pass(2_000); // by then it is linked
    const client = await connect('us-east', 'us-east-0');
    expect(await client.ask(add(OF_US))).toMatchObject({ values: [1, expect.any(Number)] });
    await until('it to settle', () => records.length >= 6);
    const ofNode = (node: string) => roles.filter((event) => event.node === node);
    expect(ofNode('eu-west-1')).toMatchObject([{ from: 'replica', to: 'primary' }]);
    expect(ofNode('us-east-0')).toMatchObject([
      { event: 'role', to: 'down' },
      { event: 'role', to: 'primary' },
      { event: 'role', to: 'replica' },
      { event: 'restarted', isEmpty: true },
    ]);
  });

  it('that kills a primary until a replica has taken over loses only what was not copied', async () => {
    const { roles, until } = play([{ fault: 'restart', node: 'us-east-0', atMs: 5_000, forMs: 500 }]);
    const restarts = () => roles.filter(({ event }) => event === 'restarted');
    await until('its return', () => restarts().length > 0);
    expect(restarts()).toMatchObject([{ node: 'us-east-0', isEmpty: false }]);
  });

  it('that comes and goes is cut in lengths of its seed', async () => {
    const lengths = async () => {
      const spec = {
        fault: 'flap',
        mode: 'blackhole',
        isolate: ['eu-west'],
        downMs: 100,
        upMs: 100,
      } as const;
      const { network, pass } = play([{ ...spec, atMs: 0, forMs: 3_000 }]);
      const seen: string[] = [];
      for (let ms = 0; ms < 4_000; ms++) {
        await pass(1);
        const { isCut } = network.links.state({ from: 'us-east', to: 'eu-west' });
        if (seen.at(-1)?.startsWith(String(isCut)) !== true) seen.push(`${isCut} ${ms}`);
      }
      return seen;
    };
    const seen = await lengths();
    expect(seen.length).toBeGreaterThan(20);
    expect(seen.at(-1)).toMatch(/^false/);
    expect(await lengths()).toEqual(seen);
  });

  it('that cannot be injected ends the run if it is the first', async () => {
    const { records, schedule, failed, pass } = play([
      { fault: 'failover', node: 'us-east-0', ...AT, ...FOR },
    ]);
    await pass(6_000);
    expect(failed).toEqual(['failed']);
    expect(schedule.failure?.message).toMatch(/us-east-0 is a primary already/);
    schedule.end(() => records.push('over'));
    expect(records.at(-1)).toBe('over');
  });

  it('that cannot be injected later is a problem, and no other fault is lost', async () => {
    const { records, schedule, failed, pass } = play([
      { fault: 'pause', node: 'us-east-0', atMs: 3_000, forMs: 500 },
      { fault: 'failover', node: 'us-east-0', atMs: 5_000, forMs: 500 },
      { fault: 'pause', node: 'us-east-0', atMs: 7_000, forMs: 500 },
    ]);
    await pass(8_000);
    expect(failed).toEqual([]);
    expect(schedule.problems).toEqual([
      'failover could not be injected after an earlier fault: us-east-0 is a primary already: an ordered failover needs a replica',
    ]);
    expect(records.filter((line) => line.startsWith('heal'))).toEqual([
      'heal pause at 3.5',
      'heal failover at 5.0',
      'heal pause at 7.5',
    ]);
  });

  it('that is not healed in time is a problem, stays in force, and is tried again after the load', async () => {
    const { records, schedule, services, pass, until } = play([
      { fault: 'restart-service', region: 'eu-west', ...AT, ...FOR },
    ]);
    services.startsNone = true;
    await pass(40_000);
    expect(schedule.problems).toEqual([
      'restart-service was healed late: a service of eu-west did not answer within 20 s',
    ]);
    expect([schedule.inForce, records]).toEqual([['restart-service'], ['inject restart-service at 5.0']]);
    services.startsNone = false;
    schedule.end((left) => records.push(`left: ${left}`));
    await until('the end', () => records.length === 4);
    expect(records.slice(1).map((line) => line.split(' at ')[0])).toEqual([
      ...['heal restart-service', 'saw restart-service', 'left: '],
    ]);
    expect(records[1]).toBe('heal restart-service at 13.0');
  });

  it('that cannot be healed at all is named, and the others are healed', async () => {
    const { records, schedule, services, pass, until } = play([
      { fault: 'pause', node: 'us-east-0', atMs: 4_000, forMs: 60_000 },
      { fault: 'restart-service', region: 'eu-west', ...AT, forMs: 60_000 },
    ]);
    services.startsNone = true;
    await pass(6_000);
    let left: readonly string[] | undefined;
    schedule.end((failures) => {
      left = failures;
    });
    await until('the end', () => left !== undefined);
    expect(left).toEqual([
      'heal restart-service: OpenclawError: a service of eu-west did not answer within 20 s',
    ]);
    expect(schedule.inForce).toEqual(['restart-service']);
    expect(records.slice(2).map((line) => line.split(' at ')[0])).toEqual(['heal pause', 'saw pause']);
  });

  it('is healed at the end of the load, the latest first', async () => {
    const { records, schedule, network, pass, until } = play([
      { fault: 'partition', mode: 'blackhole', isolate: ['eu-west'], atMs: 1_000, forMs: 60_000 },
      { fault: 'kill', node: 'us-east-0', atMs: 2_000, forMs: 60_000 },
      { fault: 'pause', node: 'ap-south-0', atMs: 20_000, forMs: 60_000 },
    ]);
    await pass(10_000);
    expect(schedule.inForce).toEqual(['partition', 'kill']);
    schedule.end(() => records.push('over'));
    await until('the end', () => records.at(-1) === 'over');
    expect(records.filter((line) => line.startsWith('heal')).map((line) => line.split(' ')[1])).toEqual([
      'kill',
      'partition',
    ]);
    expect(network.links.state({ from: 'us-east', to: 'eu-west' }).isCut).toBe(false);
    await pass(30_000);
    expect(records.at(-1)).toBe('over');
  });
});
