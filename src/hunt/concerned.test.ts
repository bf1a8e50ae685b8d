import { expect, it } from 'vitest';
import type { PlannedFault } from '../scenario/plan.ts';
import { concernedBy } from './concerned.ts';
import { groundOf } from './ground.ts';
import { spaceOf } from './space.ts';

const { places } = spaceOf(groundOf('lease'));
const times = { atMs: 0, forMs: 100 };
const all = places.nodes.map(({ name }) => name);

it.each<{ title: string; fault: PlannedFault; nodes: readonly string[] }>([
  {
    title: 'a node: its shard',
    fault: { fault: 'kill', node: 'us-east-1', ...times },
    nodes: ['us-east-1', 'ap-south-0'],
  },
  {
    title: 'an isolated region: all links of its primary are those of others, too',
    fault: { fault: 'partition', mode: 'refuse', isolate: ['us-east'], ...times },
    nodes: all,
  },
  {
    title: 'two regions: the shards of their primaries',
    fault: { fault: 'partition', mode: 'refuse', bridge: ['us-east', 'eu-west'], ...times },
    nodes: ['us-east-0', 'eu-west-0', 'eu-west-1', 'ap-south-1'],
  },
  {
    title: 'services of one region: the shard of its primary',
    fault: { fault: 'restart-service', region: 'us-east', ...times },
    nodes: ['us-east-0', 'eu-west-1'],
  },
  {
    title: 'slots that move: those of both',
    fault: { fault: 'move-slots', from: 'us-east', to: 'eu-west', slots: 1, ...times },
    nodes: ['us-east-0', 'eu-west-0', 'eu-west-1', 'ap-south-1'],
  },
  { title: 'no regions: all', fault: { fault: 'store-outage', mode: 'refuse', ...times }, nodes: all },
])('a fault concerns, of $title', ({ fault, nodes }) => {
  const concerned = concernedBy(fault, places);
  expect(concerned.nodes.map(({ name }) => name).sort()).toEqual([...nodes].sort());
  expect(concerned.regions).toEqual(places.regions);
});
