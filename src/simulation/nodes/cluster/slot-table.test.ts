import { expect, it } from 'vitest';
import { SlotTable } from './slot-table.ts';

const LAST = 16_383;

/** `a` has the first hundred slots, `b` the next, but for 120 to 129, which have no owner. */
function tableOf() {
  const table = new SlotTable(['a', 'b']);
  table.giveAll(0, 99, 'a');
  table.giveAll(100, 119, 'b');
  table.giveAll(130, 199, 'b');
  return table;
}

it('finds the ranges of each owner', () => {
  const table = tableOf();
  expect(table.of('b').ranges).toEqual([
    { from: 100, to: 119 },
    { from: 130, to: 199 },
  ]);
  table.giveAll(200, LAST, 'a');
  expect(table.of('a').ranges).toEqual([
    { from: 0, to: 99 },
    { from: 200, to: LAST },
  ]);
  expect([table.of('a').size, table.isWhole]).toEqual([16_384 - 100, false]);
});

it('runs are split where the owner changes, or its claim', () => {
  const table = tableOf();
  table.mark(150, false);
  expect(table.runs([{ from: 90, to: 151 }])).toEqual([
    { from: 90, to: 99, owner: 'a', isUnclaimed: false },
    { from: 100, to: 119, owner: 'b', isUnclaimed: false },
    { from: 120, to: 129, owner: undefined, isUnclaimed: true },
    { from: 130, to: 149, owner: 'b', isUnclaimed: false },
    { from: 150, to: 150, owner: 'b', isUnclaimed: true },
    { from: 151, to: 151, owner: 'b', isUnclaimed: false },
  ]);
});

it('a copy has the same sets until one of the two changes', () => {
  const table = tableOf();
  const before = table.of('b');
  const copy = table.copy();
  expect(copy.of('b')).toBe(before);
  table.move('b', 'a');
  expect([table.of('a').size, table.of('b').size, copy.of('b').size]).toEqual([190, 0, 90]);
  expect(table.of('a').ranges).toEqual([
    { from: 0, to: 119 },
    { from: 130, to: 199 },
  ]);
});
