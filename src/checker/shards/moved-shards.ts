import type { Episodes } from '../../core/bound.ts';
import { attemptsOf } from '../moves/bucket-moves.ts';
import type { Migration } from '../moves/migrations.ts';
import { SEEN_LATE_US, type ShardNodes } from './shard-nodes.ts';
import { withStaleHomes } from './stale-homes.ts';

type ShardEpisodes = Omit<Episodes, 'fallbacks'>;

interface Ahead {
  /** How far the clock of the second node may have been ahead of the clock of the first. */
  aheadOf(from: string, to: string): number;
  readonly gainUs: number;
}

/** The buckets of several shards, one after another. */
interface Together {
  readonly number: number;
  readonly places: readonly number[];
  /** The most attempts to move one of its buckets by its limiter. */
  attempts: number;
  /** Those that their limiter moved. */
  readonly buckets: number[];
}

/**
 * Adds to the shards one for the buckets of several of them: of each group of shards between which buckets moved. It has
 * the facts of all of them, since any of them can have cost the bucket its state. Further facts:
 * - Slots that moved to a primary whose clock was ahead: a clock step, since a bucket keeps the time of its last update.
 * - A takeover while slots moved from or to the shard: the new primary may lack what had just moved, or have what had
 *   moved away. It counts as a restart that lost state, also for buckets that only one of the shards decided.
 * - A takeover at the home that a bucket had left: its overlap is that with the new home, too.
 * - A bucket that its limiter moved began by the time of its new server: what a clock may gain can count once more.
 */
export function withMovedShards(
  chains: ShardNodes,
  ofGroups: readonly ShardEpisodes[],
  clock: Ahead,
): { readonly all: readonly ShardEpisodes[]; of(bucket: number): number } {
  const together = new Map<string, Together>();
  const shardOf = new Uint32Array(chains.bucketCount);
  for (let bucket = 0; bucket < chains.bucketCount; bucket++) {
    const [places, attempts] = [chains.ofBucket(bucket), attemptsOf(chains.movesOf(bucket))];
    shardOf[bucket] = places[0] as number;
    if (places.length === 1 && attempts === 0) continue;
    const key = `${places} ${Math.ceil(Math.log2(attempts))}`; // one that was tried often widens no bound of others
    const known = together.get(key) ?? {
      number: ofGroups.length + together.size,
      places,
      attempts: 0,
      buckets: [],
    };
    known.attempts = Math.max(known.attempts, attempts);
    if (attempts > 0) known.buckets.push(bucket);
    together.set(key, known);
    shardOf[bucket] = known.number;
  }
  const joined = [...together.values()].map((one) => join(chains, ofGroups, { ...one, clock }));
  return {
    all: [...ofGroups.map((episodes, place) => withLost(chains, ofGroups, episodes, [place])), ...joined],
    of: (bucket) => shardOf[bucket] ?? 0,
  };
}

/** More moves are summed up, so that a formula stays short. */
const MOST_GAINS = 5;

function join(
  chains: ShardNodes,
  ofGroups: readonly ShardEpisodes[],
  { places, attempts, buckets, clock }: Together & { readonly clock: Ahead },
): ShardEpisodes {
  const parts = places.map((place) => ofGroups[place] as ShardEpisodes);
  const [first] = parts as [ShardEpisodes, ...ShardEpisodes[]];
  const stepsUs = chains.migrations
    .filter(({ from, to }) => [from, to].every((node) => isIn(chains, places, node)))
    .map(({ from, to }) => clock.aheadOf(from, to))
    .filter((aheadUs) => aheadUs > 0);
  const gains = clock.gainUs > 0 ? Math.min(attempts, MOST_GAINS) : 0;
  const gainsUs = new Array<number>(gains).fill((clock.gainUs * attempts) / gains);
  const episodes = {
    ...first,
    shard: parts.length > 1 ? parts.map(({ shard }) => shard).join(' + ') : `${first.shard} (moved)`,
    failovers: parts
      .flatMap(({ failovers }) => failovers.map((takeover) => withStaleHomes(takeover, { chains, buckets })))
      .sort((a, b) => a.atUs - b.atUs),
    emptyRestarts: parts.reduce((sum, { emptyRestarts }) => sum + emptyRestarts, 0),
    clockStepsUs: [...parts.flatMap(({ clockStepsUs }) => clockStepsUs), ...stepsUs, ...gainsUs],
  };
  return withLost(chains, ofGroups, episodes, places);
}

function isIn(chains: ShardNodes, places: readonly number[], node: string): boolean {
  const place = chains.placeOfNode(node);
  return place !== undefined && places.includes(place);
}

/** With the takeovers in a shard while its slots moved. */
function withLost(
  chains: ShardNodes,
  ofGroups: readonly ShardEpisodes[],
  episodes: ShardEpisodes,
  places: readonly number[],
): ShardEpisodes {
  const lost = chains.migrations.flatMap((migration) => {
    const { from, to } = migration;
    if (![from, to].some((node) => isIn(chains, places, node))) return [];
    const ends = new Set([chains.placeOfNode(from), chains.placeOfNode(to)]);
    const takeovers = [...ends].flatMap((place) => ofGroups[place ?? -1]?.failovers ?? []);
    return takeovers.filter(({ atUs }) => isDuring(migration, atUs));
  });
  return lost.length === 0 ? episodes : { ...episodes, emptyRestarts: episodes.emptyRestarts + lost.length };
}

function isDuring({ fromUs, untilUs }: Migration, atUs: number): boolean {
  return fromUs <= atUs && atUs <= untilUs + SEEN_LATE_US;
}
