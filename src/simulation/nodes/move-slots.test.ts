import { describe, expect, it } from 'vitest';
import { add, read, settledNodes } from '../../../test/support/simulated-nodes.ts';
import { keySlot } from '../../limiter/redis/hash-slot.ts';
import { moveSlots, returnSlots } from './move-slots.ts';

const count = (value: number) => ({ values: [value, expect.any(Number)] });

async function clusterWithKeys() {
  const nodes = await settledNodes();
  const { cluster, connect, time, topology } = nodes;
  const { slots } = cluster;
  if (slots === undefined) throw new Error('a cluster has slots');
  const keys = Array.from({ length: 60 }, (_, i) => `key${i}`).filter((key) => keySlot(key) <= 5_461);
  const client = await connect('us-east', 'us-east-0');
  for (const key of keys) await client.ask(add(key));
  const noted: unknown[] = [];
  const mover = {
    ...{ topology, time, slots, isOver: () => false },
    noteMove: (move: unknown) => {
      noted.push(move);
      return (isDone: boolean) => noted.push(isDone);
    },
  };
  return { ...nodes, slots, keys, client, mover, noted };
}

describe('slots of simulated nodes', () => {
  it('move with their keys, to the replicas of the new owner, too, and come back', async () => {
    const { slots, keys, client, mover, noted, connect, until, pass } = await clusterWithKeys();
    const fullest = slots.fullestFirst('us-east-0').slice(0, keys.length);
    expect(new Set(fullest)).toEqual(new Set(keys.map(keySlot)));
    moveSlots({ slots: fullest, from: 'us-east-0', to: 'eu-west-0' }, mover, (isDone) => noted.push(isDone));
    await until('them to move', () => noted.length === 3);
    expect(noted).toEqual([expect.objectContaining({ from: 'us-east-0', to: 'eu-west-0' }), true, true]);
    const [owner, replica, former] = await Promise.all([
      connect('eu-west', 'eu-west-0'),
      connect('ap-south', 'ap-south-1'),
      connect('eu-west', 'eu-west-1'),
    ]);
    for (const key of keys) {
      const moved = { error: `MOVED ${keySlot(key)} eu-west-0` };
      expect(await client.ask(add(key))).toEqual(moved);
      expect(await owner.ask(add(key))).toEqual(count(2));
      expect(await former.ask(read(key))).toEqual(moved);
    }
    await pass(200);
    for (const key of keys) expect(await replica.ask(read(key))).toEqual(count(2));
    returnSlots(mover, () => noted.push('back'));
    await until('them to be back', () => noted.at(-1) === 'back');
    for (const key of keys) expect(await client.ask(add(key))).toEqual(count(3));
    expect(slots.fullestFirst('eu-west-0').length).toBe(5_461);
  });

  it('stop moving if the new owner ends', async () => {
    const { cluster, slots, mover, noted, until, pass } = await clusterWithKeys();
    const all = slots.fullestFirst('us-east-0').slice(0, 2_000);
    moveSlots({ slots: all, from: 'us-east-0', to: 'eu-west-0' }, mover, (isDone) => noted.push(isDone));
    await pass(100);
    cluster.control.kill('eu-west-0');
    await until('them to stop', () => noted.length === 3);
    expect(noted.slice(1)).toEqual([false, false]);
    expect(slots.fullestFirst('us-east-0').length).toBeGreaterThan(3_462);
  });
});
