import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ShardFacts } from '../../src/checker/shards/shard.ts';
import { unrecordedTakeover } from '../../src/cli/hunts/recorded-roles.ts';
import { testFolder } from '../support/cli.ts';

const shardOf = (nodes: readonly string[]): ShardFacts => ({
  ...{ shard: 'a-0', policy: '', buckets: 1, emptyRestarts: 0, clockStepsUs: [], serviceClockSpreadUs: 0 },
  largestExcess: { bucket: 'b', tokens: 3 },
  worstWindow: { bucket: 'b', tokens: 3 },
  failovers: nodes.map((node) => ({ atUs: 1, node, overlapUs: 0 })),
});

const role = (node: string, to: string) =>
  JSON.stringify({
    type: 'event',
    event: 'role',
    node,
    atUs: 5,
    args: { from: 'replica', to, slots: '1-2' },
  });

it.each([
  { title: 'no takeover', taken: [], recorded: [], lack: undefined },
  { title: 'a recorded takeover', taken: ['b-1'], recorded: [role('b-1', 'primary')], lack: undefined },
  {
    title: 'one that was not recorded',
    taken: ['b-1'],
    recorded: [role('a-0', 'primary')],
    lack: /of b-1 was/,
  },
  {
    title: 'one whose node became a replica',
    taken: ['b-1'],
    recorded: [role('b-1', 'replica')],
    lack: /b-1/,
  },
  {
    title: 'one that came back unseen',
    taken: ['b-1', 'a-0', 'b-1'],
    recorded: [role('b-1', 'primary'), role('a-0', 'primary')],
    lack: /of b-1 was/,
  },
])('of a run with $title the lack is $lack', async ({ taken, recorded, lack }) => {
  const folder = testFolder();
  writeFileSync(join(folder, 'history.ndjson'), recorded.map((line) => `${line}\n`).join(''));
  const found = await unrecordedTakeover({ above: 'bound' }, { folder, shards: [shardOf(taken)] });
  if (lack === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(lack);
});

it('is of no concern where any excess is a finding', async () => {
  const run = { folder: testFolder(), shards: [shardOf(['b-1'])] };
  expect(await unrecordedTakeover({ above: 'nothing' }, run)).toBeUndefined();
});
