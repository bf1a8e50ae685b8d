import { expect, it } from 'vitest';
import { isCut, type PartitionShape } from './pairs.ts';

it.each<[string, PartitionShape, string]>([
  ['isolated regions still reach each other', { isolate: ['a', 'b'] }, 'ac bc ca cb'],
  ['a region in no group is cut from none', { split: [['a'], ['b']] }, 'ab ba'],
  ['a bridge is both ways', { bridge: ['b', 'c'] }, 'bc cb'],
  ['one way is not back', { from: ['a'], to: ['b', 'c'] }, 'ab ac'],
])('%s', (_title, shape, cut) => {
  const pairs = ['ab', 'ac', 'ba', 'bc', 'ca', 'cb'];
  expect(pairs.filter(([from = '', to = '']) => isCut(shape, { from, to })).join(' ')).toBe(cut);
});
