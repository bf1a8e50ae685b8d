import { describe, expect, it } from 'vitest';
import { connectionsOf, parsePart, partName, partsOf, sharesOf } from './parts.ts';

const regions = ['us-east', 'eu-west', 'ap-south'];

describe('the name of a part', () => {
  it.each([
    ['eu-west', { region: 'eu-west', nth: 1, of: 1 }],
    ['eu-west:2/3', { region: 'eu-west', nth: 2, of: 3 }],
    ['ap-south:1000/1000', { region: 'ap-south', nth: 1_000, of: 1_000 }],
  ])('%s is read and written', (name, part) => {
    expect(parsePart(name, regions)).toEqual(part);
    expect(partName(part)).toBe(name);
  });

  it.each([
    '',
    'eu',
    'eu-west:',
    'eu-west:0/3',
    'eu-west:4/3',
    'eu-west:1',
    'eu-west:1/1001',
    ':1/2',
    'eu-west:1/2/3',
  ])('is not "%s"', (name) =>
    expect(() => parsePart(name, regions)).toThrow(
      `a part is a region (us-east, eu-west, ap-south) or a share of it, like us-east:2/3; found "${name}"`,
    ),
  );

  it('is that of each region and share of a load', () => {
    expect(partsOf(regions).map(partName)).toEqual(regions);
    expect(partsOf(['a', 'b'], 2).map(partName)).toEqual(['a:1/2', 'a:2/2', 'b:1/2', 'b:2/2']);
  });
});

describe('the parts of a load', () => {
  it.each([1, 2, 3])('have each connection and each arrival once, in %d shares a region', (each) => {
    const parts = partsOf(regions, each);
    const connections = parts.flatMap((part) => connectionsOf([part], { connections: 17, regions }));
    expect(connections.toSorted((a, b) => a - b)).toEqual(
      connectionsOf(undefined, { connections: 17, regions }),
    );
    for (let nth = 0; nth < 12; nth++)
      for (const region of regions.keys())
        expect(parts.filter((part) => sharesOf([part], regions)(region, nth))).toHaveLength(1);
  });

  it('deal the connections of their region in turn', () => {
    const of = (name: string) => connectionsOf([parsePart(name, regions)], { connections: 12, regions });
    expect(of('us-east')).toEqual([0, 3, 6, 9]);
    expect(of('eu-west:1/2')).toEqual([1, 7]);
    expect(of('eu-west:2/2')).toEqual([4, 10]);
  });

  it.each<[number, string[] | undefined, string]>([
    [2, undefined, 'a load needs a connection for each of its 3 regions; found 2'],
    [5, ['us-east:1/2'], 'a load needs a connection for each of its 6 parts; found 5'],
  ])('are refused without a connection: %d', (connections, names, message) => {
    const parts = names?.map((name) => parsePart(name, regions));
    expect(() => connectionsOf(parts, { connections, regions })).toThrow(message);
  });
});
