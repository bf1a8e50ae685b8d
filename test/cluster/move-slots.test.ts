import { Cluster, type Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { ALONE } from '../../src/faults/probes/probe.ts';
import { makeProbe } from '../../src/faults/probes/registry.ts';
import { injectFault } from '../../src/faults/registry.ts';
import type { Undo } from '../../src/faults/support/fault.ts';
import { connectDirect } from '../../src/regions/cluster/connect-direct.ts';
import { orderFailover } from '../../src/regions/cluster/order-failover.ts';
import { settle } from '../../src/regions/cluster/settle.ts';
import type { SlotsMove } from '../../src/regions/cluster/slots/move-slots.ts';
import { returnSlots } from '../../src/regions/cluster/slots/return-slots.ts';
import { findDeviations } from '../../src/regions/network/deviations.ts';
import type { Regions } from '../../src/regions/provider.ts';
import type { MoveSlotsSpec } from '../../src/scenario/faults/move-slots.ts';
import { runCli, startCli } from '../support/cli.ts';
import { startLocalRegions } from '../support/local-regions.ts';
import { SERVERS } from '../support/server.ts';

const never = new AbortController().signal;
const CLOSE = {
  regions: ['a', 'b', 'c'],
  roundTripMs: { 'a:b': 4, 'a:c': 4, 'b:c': 4 },
  nodeTimeoutMs: 2_500, // a busy machine may stop a node for 2 s, and another takes over
};
const SPEC = { fault: 'move-slots', from: 'b', to: 'a', slots: 40 } as const satisfies MoveSlotsSpec;
/** The last slot of b-0, which moves first, and a key of it. */
const [SLOT, KEY] = [10_922, 'k12284'];
/** Keys in the slots that move. */
const KEYS = [KEY, 'k146', 'k1014', 'k1249', 'k1455', 'k2663', 'k2925', 'k3532', 'k3829', 'k4327'];
/** Adds 1 to the one key that it names, as a take writes its bucket. */
const ADD = "return redis.call('INCR', KEYS[1])";

describe.each(SERVERS)('slots that move, on %s', { timeout: 120_000 }, (server) => {
  let regions: Regions;
  let state: string;
  let stop: (() => Promise<void>) | undefined;
  const clients = new Map<string, Redis>();
  beforeAll(async () => {
    ({ regions, state, stop } = await startLocalRegions(server, CLOSE));
    for (const { name } of regions.topology.nodes)
      clients.set(name, connectDirect(regions.direct(name), 10_000));
  }, 60_000);
  afterEach(async () => {
    await settle(regions, never);
    await node('a-0').flushall();
    await node('b-0').flushall();
  }, 60_000);
  afterAll(async () => {
    for (const client of clients.values()) client.disconnect();
    await stop?.();
  });

  const node = (name: string) => clients.get(name) as Redis;
  const id = async (name: string) => String(await node(name).call('CLUSTER', 'MYID'));
  const setSlot = (name: string, ...how: (string | number)[]) =>
    node(name).call('CLUSTER', 'SETSLOT', SLOT, ...how);
  const keysOf = async (name: string) => Number(await node(name).call('CLUSTER', 'COUNTKEYSINSLOT', SLOT));

  /** Injects it and notes which moves it names. */
  async function inject(spec: MoveSlotsSpec = SPEC, signal = never) {
    const moves: (SlotsMove & { isDone: boolean })[] = [];
    const noteMove = (move: SlotsMove) => (isDone: boolean) => void moves.push({ ...move, isDone });
    const context = { regions, random: makeRandom(1), signal, noteMove };
    const probe = await makeProbe(spec, { ...context, ...ALONE });
    const undo: Undo = await injectFault(spec, context);
    return { undo, moves, probe };
  }

  /** The slot is left with its key on its way: at a-0 already, while b-0 owns it. */
  async function leaveOpen(): Promise<void> {
    await node('b-0').set(KEY, '7');
    await setSlot('a-0', 'IMPORTING', await id('b-0'));
    await setSlot('b-0', 'MIGRATING', await id('a-0'));
    const { host, port } = regions.announced('a-0');
    await node('b-0').call('MIGRATE', host, port, KEY, 0, 5_000);
  }

  it('take their keys with them and bring them back, while takes of one key go on', async () => {
    const [{ host, port }, keys] = [regions.announced('b-0'), KEYS];
    const cluster = new Cluster([{ host, port }]);
    const counts = new Map(keys.map((key) => [key, 0]));
    let isOver = false;
    const add = async (key: string) => {
      for (; !isOver; ) counts.set(key, Number(await cluster.eval(ADD, 1, key)));
    };
    const adding = Promise.all(keys.map(add));
    try {
      await vi.waitUntil(() => [...counts.values()].every((count) => count > 2), { timeout: 20_000 });
      const { undo, moves, probe } = await inject();
      expect(await probe?.look()).toEqual({ bit: true, saw: `a-0 has slots 10883-10922 of b-0` });
      const there = new Map(counts);
      await vi.waitUntil(() => keys.every((key) => (counts.get(key) ?? 0) > (there.get(key) ?? 0)), {
        timeout: 20_000,
      });
      expect(await keysOf('a-0')).toBe(1);
      await undo();
      expect(await probe?.lookHealed?.()).toEqual({ bit: true, saw: 'all came back' });
      expect(moves).toEqual([
        { from: 'b-0', to: 'a-0', slots: '10883-10922', isDone: true },
        { from: 'a-0', to: 'b-0', slots: '10883-10922', isDone: true },
      ]);
    } finally {
      isOver = true;
      await adding;
      cluster.disconnect();
    }
    const stored = await Promise.all(keys.map((key) => node('b-0').get(key)));
    expect(stored.map(Number)).toEqual(keys.map((key) => counts.get(key)));
    expect(await findDeviations(regions)).toEqual([]);
  });

  it('are back if the run ends while they move', async () => {
    const stopping = new AbortController();
    const injected = inject({ ...SPEC, slots: 3_000 }, stopping.signal);
    await vi.waitUntil(async () => (await findDeviations(regions)).length > 0, {
      timeout: 20_000,
      interval: 1,
    });
    stopping.abort();
    await expect(injected).rejects.toThrow(/interrupted while moving slots/);
    expect(await findDeviations(regions)).toEqual([]);
  });

  it('come back from the replica that took over', async () => {
    await node('b-0').set(KEY, '7');
    const { undo, moves } = await inject();
    await orderFailover('b-1', node('b-1'), { signal: never, withinMs: 30_000 }); // of a-0
    await undo();
    expect(moves.at(-1)).toMatchObject({ from: 'b-1', to: 'b-0', isDone: true });
    expect(await node('b-0').get(KEY)).toBe('7');
  });

  it('more than a primary has are refused, and so are all that it has', async () => {
    await expect(inject({ ...SPEC, slots: 5_461 })).rejects.toThrow(
      'b-0 has 5461 slots and must keep one; found --slots 5461',
    );
  });

  it('a slot that is left open is named, and its key comes back', async () => {
    await leaveOpen();
    expect(await findDeviations(regions)).toEqual([
      `slot ${SLOT} of a-0 is migrating`,
      `slot ${SLOT} of b-0 is migrating`,
    ]);
    await returnSlots(regions);
    expect([await findDeviations(regions), await node('b-0').get(KEY), await keysOf('a-0')]).toEqual([
      [],
      '7',
      0,
    ]);
  });

  it('a key that was copied and not deleted keeps what its owner made of it', async () => {
    await node('b-0').set(KEY, '7');
    await setSlot('a-0', 'IMPORTING', await id('b-0'));
    await setSlot('b-0', 'MIGRATING', await id('a-0'));
    const { host, port } = regions.announced('a-0');
    await node('b-0').call('MIGRATE', host, port, KEY, 0, 5_000, 'COPY');
    await node('b-0').set(KEY, '8');
    await returnSlots(regions);
    expect([await findDeviations(regions), await node('b-0').get(KEY), await keysOf('a-0')]).toEqual([
      [],
      '8',
      0,
    ]);
  });

  it('a slot that only its new owner knows to have moved comes back', async () => {
    await leaveOpen();
    await setSlot('a-0', 'NODE', await id('a-0'));
    await returnSlots(regions);
    expect([await findDeviations(regions), await node('b-0').get(KEY), await keysOf('a-0')]).toEqual([
      [],
      '7',
      0,
    ]);
  });

  it('of a program that was killed come back by fault heal; Ctrl-C brings them back at once', async () => {
    const env = { OPENCLAW_RL_STATE: state };
    const words = ['fault', 'move-slots', '--from', 'b', '--to', 'a', '--slots', '2000', '--name', 'test'];
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const { child, output, ended } = startCli(words, { env });
      await vi.waitUntil(async () => (await findDeviations(regions)).length > 0, {
        timeout: 30_000,
        interval: 1,
      });
      child.kill(signal);
      await ended;
      if (signal === 'SIGINT') expect(output.stderr).toContain('healed: all slots are back\n');
      if (signal === 'SIGKILL') {
        expect(await findDeviations(regions)).not.toEqual([]);
        expect(await runCli(['fault', 'heal', '--name', 'test'], { env })).toMatchObject({ code: 0 });
      }
      expect(await findDeviations(regions), signal).toEqual([]);
    }
  });
});
