import { describe, expect, it } from 'vitest';
import { DEFAULT_TOPOLOGY, planTopology, type TopologyOptions } from '../../topology/topology.ts';
import type { Regions } from '../provider.ts';
import { type HomesLook, homesOf, lookForHomes } from './homes.ts';
import { homesDifferences } from './homes-differences.ts';

const CLUSTER = { name: 'test', provider: 'local', planned: [] };
const PLANNED = [
  { name: 'a-0', region: 'a', index: 0, slots: [0, 4_095] },
  { name: 'a-1', region: 'a', index: 1, slots: [4_096, 8_191] },
  { name: 'b-0', region: 'b', index: 0, slots: [8_192, 16_383] },
  { name: 'b-1', region: 'b', index: 1, replicaOf: 'a-1' },
] as const;

/** `name role slots`, by the region that the name begins with. */
const look = (...nodes: string[]) => lookAt(nodes);

function lookAt(nodes: readonly string[], more: object = {}): HomesLook {
  const placed = nodes.map((text) => {
    const [name = '', role = '', ...slots] = text.split(' ');
    return {
      name,
      region: name.slice(0, 1),
      address: `${name}:7000`,
      role: role as 'primary',
      slots: slots.join(' '),
    };
  });
  return homesOf(['a', 'b'], placed, { ...CLUSTER, ...more });
}

const whats = ({ problems }: HomesLook) => problems.map(({ what }) => what);

describe('the homes of a cluster', () => {
  it('are the slots of the primaries and all nodes of each region', () => {
    const { table, problems } = look(
      'a-0 primary 0-99 8000',
      'a-1 primary 100-7999',
      'a-2 replica',
      'b-0 primary 8001-16383',
    );
    expect(problems).toEqual([]);
    expect(table).toEqual({
      format: 'openclaw-homes',
      version: 1,
      regions: {
        a: { slots: '0-8000', nodes: ['a-0:7000', 'a-1:7000', 'a-2:7000'] },
        b: { slots: '8001-16383', nodes: ['b-0:7000'] },
      },
    });
  });

  it.each([
    {
      title: 'a region owns no slots',
      nodes: ['a-0 replica', 'b-0 primary 8192-16383', 'b-1 primary 0-8191'],
      says: ['region a owns no slots'],
      hint: 'openclaw-rl fault heal --name test',
    },
    {
      title: 'slots migrate, to here and away',
      nodes: ['a-0 primary 0-8191 [93->-77ab] [92->-77ab]', 'b-0 primary 8192-16383 [93-<-55cd]'],
      says: ['slots 92-93 of a-0 are migrating', 'slot 93 of b-0 is migrating'],
      hint: 'openclaw-rl fault heal --name test',
    },
    {
      title: 'two primaries claim the same slots',
      nodes: ['a-0 primary 0-8191', 'b-0 primary 8192-16383', 'b-1 primary 0-8191'],
      says: ['a-0 and b-1 both claim slots 0-8191', 'region a owns no slots'],
      hint: 'openclaw-rl fault heal --name test',
    },
    {
      title: 'a node does not answer',
      nodes: ['a-0 down', 'b-0 primary 8192-16383'],
      says: ['a-0 does not answer', 'region a owns no slots'],
      hint: 'start it, wait until it is back, and repeat the command',
    },
    {
      title: 'slots have no owner',
      nodes: ['a-0 primary 0-8191', 'b-0 primary 8193-16383'],
      says: ['no node of these regions owns slot 8192'],
      hint: 'name every node of the cluster',
    },
  ])('are not written down while $title', ({ nodes, says, hint }) => {
    const found = look(...nodes);
    expect(whats(found)).toEqual(says);
    expect(found.problems[0]?.hint).toBe(hint);
  });

  it.each([
    {
      title: 'slots rest at another region',
      nodes: ['a-0 primary 0-4095 8192-8199', 'a-1 primary 4096-8191', 'b-0 primary 8200-16383'],
      says: ['a-0 has slots 8192-8199 of b-0'],
    },
    {
      title: 'one of two primaries is failed over',
      nodes: ['a-0 primary 0-4095', 'a-1 replica', 'b-0 primary 8192-16383', 'b-1 primary 4096-8191'],
      says: ['b-1 has slots 4096-8191 of a-1'],
    },
    {
      title: 'all slots of a region are elsewhere',
      nodes: ['a-0 replica', 'b-0 primary 8192-16383', 'b-1 primary 0-8191'],
      says: ['region a owns no slots'],
    },
    {
      title: 'slots moved within a region',
      nodes: ['a-0 primary 0-4095 8191', 'a-1 primary 4096-8190', 'b-0 primary 8192-16383'],
      says: [],
    },
  ])('of a planned cluster, by region, where $title', ({ nodes, says }) => {
    const found = lookAt(nodes, { planned: PLANNED });
    expect(whats(found)).toEqual(says);
    for (const { hint } of found.problems) expect(hint).toBe('openclaw-rl fault heal --name test');
  });

  it('of another cluster wait for a migration', () => {
    const nodes = ['a-0 primary 0-8191 [93->-77ab]', 'b-0 primary 8192-16383'];
    expect(lookAt(nodes, { provider: 'external' }).problems).toEqual([
      { what: 'slot 93 of a-0 is migrating', hint: 'wait until it has ended, and repeat the command' },
    ]);
  });
});

it.each<[Partial<TopologyOptions>, string]>([
  [{ kind: 'single' }, 'test has one primary for all regions: homes need a Redis Cluster'],
  [{ kind: 'sentinel', replicas: 1 }, 'test has one primary for all regions: homes need'],
  [{ apart: true }, 'test has a separate Redis in each region: homes need a Redis Cluster'],
])('there are no homes on %o', async (options, says) => {
  const topology = planTopology({ ...DEFAULT_TOPOLOGY, replicas: 0, ...options });
  await expect(lookForHomes({ topology, name: 'test' } as Regions)).rejects.toThrow(says);
});

describe('the differences of a homes table', () => {
  const { table } = look('a-0 primary 0-8191', 'b-0 primary 8192-16383', 'b-1 replica');

  it('are none if slots and nodes are equal, or the table has no nodes', () => {
    const none = { slots: [], nodes: [], hasMoved: false };
    expect(homesDifferences(table, table)).toEqual(none);
    const bare = { regions: { a: { slots: '0-8191' }, b: { slots: '8192,8193-16383' } } };
    expect(homesDifferences(bare, table)).toEqual(none);
  });

  it('name the slots by both regions, and each node', () => {
    const written = {
      regions: {
        a: { slots: '0-8000', nodes: ['a-0:7000', 'a-1:7000'] },
        b: { slots: '8191-16383', nodes: ['b-0:7000', 'b-1:7000'] },
        c: { slots: '8100', nodes: [] },
      },
    };
    expect(homesDifferences(written, table)).toEqual({
      slots: [
        'slots 8001-8099,8101-8190: no region in the file, a in the cluster',
        'slots 8100: c in the file, a in the cluster',
        'slots 8191: b in the file, a in the cluster',
      ],
      nodes: ['a: a-1:7000 is in the file, not in the cluster'],
      hasMoved: true,
    });
  });

  it.each([
    ['a gap', { a: '0-8000', b: '8192-16383' }],
    ['no region b', { a: '0-8191' }],
    ['another name for b', { a: '0-8191', c: '8192-16383' }],
  ])('are no move of slots where the table has %s', (_, slotsOf: Record<string, string>) => {
    const regions = Object.fromEntries(Object.entries(slotsOf).map(([name, slots]) => [name, { slots }]));
    const { slots, hasMoved } = homesDifferences({ regions }, table);
    expect([slots.length, hasMoved]).toEqual([1, false]);
  });
});
