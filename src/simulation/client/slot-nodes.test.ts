import { expect, it } from 'vitest';
import { SlotNodes } from './slot-nodes.ts';

it('gives the nodes of a slot that were set last', () => {
  const slots = new SlotNodes();
  slots.set(0, 99, ['a', 'a1']);
  slots.set(100, 16_383, ['b']);
  slots.set(50, 50, ['b']);
  slots.set(51, 51, ['a1', 'a']);
  expect([0, 50, 51, 99, 100, 16_383].map((slot) => slots.of(slot)?.join())).toEqual([
    'a,a1',
    'b',
    'a1,a',
    'a,a1',
    'b',
    'b',
  ]);
});

it('has no nodes of a slot that was never set', () => {
  const slots = new SlotNodes();
  slots.set(1, 1, ['a']);
  expect([slots.of(0), slots.of(2)]).toEqual([undefined, undefined]);
});
