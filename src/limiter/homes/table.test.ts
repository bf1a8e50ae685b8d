import { describe, expect, it } from 'vitest';
import { readHomesTable } from './table.ts';

const table = (regions: unknown) => ({ format: 'openclaw-homes', version: 1, regions });

describe('readHomesTable', () => {
  it('reads ranges, single slots and nodes', () => {
    const read = readHomesTable(
      table({ a: { slots: '205,0-2', nodes: ['127.1.1.1:7000', '::1:7000'] }, 'eu-1': { slots: '3-204' } }),
    );
    const a = read.get('a');
    expect([...read.keys()]).toEqual(['a', 'eu-1']);
    expect(a).toMatchObject({ name: 'a', slots: [0, 1, 2, 205], nodes: ['127.1.1.1:7000', '::1:7000'] });
    expect([2, 3, 205].map((slot) => a?.owns(slot))).toEqual([true, false, true]);
    expect(read.get('eu-1')?.slots).toHaveLength(202);
    expect(read.get('eu-1')?.nodes).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ['no table', undefined, /homes must be an object/],
    ['a list', [], /homes must be an object/],
    [
      'another format',
      { ...table({ a: { slots: '0' } }), format: 'x' },
      /homes.format must be openclaw-homes; found "x"/,
    ],
    ['another version', { ...table({ a: { slots: '0' } }), version: 2 }, /homes.version must be 1; found 2/],
    [
      'an unknown member',
      { ...table({ a: { slots: '0' } }), region: 'a' },
      /unknown option "region" of homes/,
    ],
    [
      'no regions',
      { format: 'openclaw-homes', version: 1 },
      /homes.regions must be an object; found undefined/,
    ],
    ['an empty list of regions', table({}), /at least one region/],
    ['a wrong name', table({ 'a b': { slots: '0' } }), /a region's name is .*found "a b"/],
    ['a region without slots', table({ a: {} }), /homes.regions.a.slots must be ranges .*found undefined/],
    ['a region with no slot', table({ a: { slots: '' } }), /ranges of 0 to 16383, like 0-99,205; found ""/],
    ['a slot beyond the last', table({ a: { slots: '0-16384' } }), /found "0-16384"/],
    ['a range from above', table({ a: { slots: '9-8' } }), /found "9-8"/],
    ['spaces', table({ a: { slots: '0, 1' } }), /found "0, 1"/],
    ['a number for slots', table({ a: { slots: 7 } }), /found 7/],
    [
      'a slot of two regions',
      table({ a: { slots: '0-9' }, b: { slots: '9-20' } }),
      /slot 9 is in two regions of homes, a and b/,
    ],
    [
      'nodes that are none',
      table({ a: { slots: '0', nodes: ['here'] } }),
      /nodes must be a list of host:port/,
    ],
    [
      'brackets, which no decision has',
      table({ a: { slots: '0', nodes: ['[::1]:7000'] } }),
      /IPv6 without brackets, as decisions name them; found/,
    ],
    [
      'a node of two regions',
      table({ a: { slots: '0', nodes: ['h:1'] }, b: { slots: '1', nodes: ['h:1'] } }),
      /node h:1 is in two regions/,
    ],
    [
      'a misspelt member of a region',
      table({ a: { slot: '0' } }),
      /unknown option "slot" of homes.regions.a/,
    ],
  ])('refuses %s', (_, value, says) =>
    expect(() => readHomesTable(value)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(says),
        hint: expect.stringMatching(/openclaw-rl homes/),
      }),
    ),
  );
});
