import { describe, expect, it } from 'vitest';
import { type CheckReport, checkHistory } from '../../src/checker/check.ts';
import { boundOf } from '../../src/limiter/strategies/bounds.ts';
import { historyOf } from '../support/history.ts';
import { type Happens, POLICY, World } from '../support/moves/world.ts';

const SEEDS = Array.from({ length: 30 }, (_, at) => at + 1);

function judge(seed: number, happens: Happens) {
  const world = new World(seed, happens).run();
  const strategy = happens.failovers === 'acked' ? 'acked' : 'central';
  const history = historyOf(world.parts, {
    ...{ policy: POLICY, records: world.records },
    header: { strategy, regions: ['a', 'b', 'c'] },
  });
  const report = checkHistory(history, {
    busiest: [],
    boundOf: (policy, episodes) => boundOf(strategy, policy, episodes),
  });
  const beyond = report.shards.filter(
    ({ largestExcess, bound }) => largestExcess.tokens > (bound?.totalExcess ?? Number.POSITIVE_INFINITY),
  );
  return { world, report, beyond };
}

function declared({ shards }: CheckReport): number {
  return Math.max(...shards.map(({ bound }) => bound?.totalExcess ?? Number.POSITIVE_INFINITY));
}

describe('a correct limiter whose buckets move, drawn', () => {
  it.each<{ title: string; happens: Happens; isReplayed: boolean; declaresNothing?: true }>([
    { title: 'by its own moves', happens: { moves: true }, isReplayed: true, declaresNothing: true },
    { title: 'with their slots', happens: { migrations: true }, isReplayed: true, declaresNothing: true },
    {
      title: 'both ways',
      happens: { moves: true, migrations: true },
      isReplayed: true,
      declaresNothing: true,
    },
    {
      title: 'between servers whose clocks differ',
      happens: { moves: true, migrations: true, clocks: 'apart' },
      isReplayed: true,
    },
    {
      title: 'while replicas that have every charge take over',
      happens: { moves: true, migrations: true, clocks: 'apart', failovers: 'acked' },
      isReplayed: true,
    },
    {
      title: 'while replicas that lack some take over',
      happens: { moves: true, migrations: true, clocks: 'apart', failovers: 'lossy' },
      isReplayed: false,
    },
    {
      title: 'while callers still ask a home whose new primary has forgotten that the bucket moved',
      happens: { moves: true, failovers: 'lossy', staleCallers: true },
      isReplayed: false,
    },
  ])('is accused of nothing: $title', { timeout: 120_000 }, ({ happens, isReplayed, declaresNothing }) => {
    let [moves, migrations, failovers, denied, together] = [0, 0, 0, 0, 0];
    for (const seed of SEEDS) {
      const { world, report, beyond } = judge(seed, happens);
      expect(beyond, `seed ${seed}`).toEqual([]);
      expect(report.falseDenials.findings, `seed ${seed}`).toEqual([]);
      if (declaresNothing) expect(declared(report), `seed ${seed}`).toBeLessThan(0.3); // what clocks may gain
      if (isReplayed) expect(report.replay.findings, `seed ${seed}`).toEqual([]);
      [moves, migrations, failovers] = [
        moves + world.moves,
        migrations + world.migrations,
        failovers + world.failovers,
      ];
      denied += report.outcomes.denied;
      together += report.shards.filter(({ shard }) => shard.includes(' + ')).length;
    }
    expect(denied).toBeGreaterThan(200);
    expect(together).toBeGreaterThan(SEEDS.length / 2);
    if (happens.moves) expect(moves).toBeGreaterThan(100);
    if (happens.migrations) expect(migrations).toBeGreaterThan(40);
    if (happens.failovers) expect(failovers).toBeGreaterThan(20);
  });
});

describe('a limiter that mints at a move', () => {
  it.each(['fills', 'refills twice', 'forgets the marker'] as const)(
    'is convicted where it %s',
    { timeout: 120_000 },
    (defect) => {
      const convicted = SEEDS.filter((seed) => judge(seed, { moves: true, defect }).beyond.length > 0);
      expect(convicted.length).toBeGreaterThan(SEEDS.length / 2);
    },
  );
});
