import { expect, it } from 'vitest';
import { SlotSet } from './slot-set.ts';
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
  const claimed = [
    { from: 100, to: 149 }, // ten of them have no owner
    { from: 151, to: 250 },
  ];
  table.claim('b', new SlotSet(claimed));
  expect(table.runs([{ from: 90, to: 151 }])).toEqual([
    { from: 90, to: 99, owner: 'a', isUnclaimed: false },
    { from: 100, to: 119, owner: 'b', isUnclaimed: false },
    { from: 120, to: 129, owner: undefined, isUnclaimed: true },
    { from: 130, to: 149, owner: 'b', isUnclaimed: false },
    { from: 150, to: 150, owner: 'b', isUnclaimed: true },
    { from: 151, to: 151, owner: 'b', isUnclaimed: false },
  ]);
});

it('sets are equal if they have the same slots', () => {
  const [table, whole] = [tableOf(), new SlotSet([{ from: 100, to: 199 }])];
  const parts = [
    { from: 100, to: 119 },
    { from: 130, to: 199 },
  ];
  expect(table.of('b').equals(new SlotSet(parts))).toBe(true);
  expect([whole.equals(table.of('b')), whole.equals(new SlotSet([{ from: 101, to: 200 }]))]).toEqual([
    false,
    false,
  ]);
  expect(new SlotSet([]).equals(tableOf().copy().of('a'))).toBe(false);
});

it('a slot is claimed again', () => {
  const table = tableOf();
  table.claim('b', new SlotSet([]));
  table.claim('b', table.of('b'));
  expect(table.runs([{ from: 100, to: 119 }])).toMatchObject([{ owner: 'b', isUnclaimed: false }]);
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
