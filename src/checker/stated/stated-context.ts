import type { History } from '../../history/history.ts';
import type { CheckOptions } from '../check-options.ts';
import type { Shards } from '../shards/shard-events.ts';
import type { WindowClock } from '../windows/clock.ts';
import type { StatedContext } from './granted.ts';
import type { WallClock } from './stated-wait.ts';

/** What is granted to the limiter for its stated values; undefined if it stated nothing. */
export function statedContext(
  { operations: table }: History,
  {
    options: { declaresStated, falseDenialsAtMost, boundOf },
    shards,
    isWhole,
    wallClock,
  }: {
    options: CheckOptions;
    /** Computed only if the strategy declares a bound. */
    shards: () => Shards;
    /** Whether no event that raises a bound can be missing. */
    isWhole: boolean;
    wallClock: () => WindowClock;
  },
): StatedContext | undefined {
  if (!table.hasStated) return undefined;
  const excessOf = (bucket: number): number => {
    if (declaresStated?.tooHigh !== 'bound') return 0;
    const episodes = shards().episodesOf(bucket);
    if (episodes === undefined || episodes.shard === '' || !isWhole) return Number.POSITIVE_INFINITY;
    const bound = boundOf?.(table.policyOf(bucket), episodes, () => shards().admissionsOf(bucket));
    return bound?.worstWindow ?? bound?.totalExcess ?? Number.POSITIVE_INFINITY;
  };
  const wall = wallOf(wallClock());
  return {
    excessOf,
    declaresTooLow: declaresStated?.tooLow === true || falseDenialsAtMost === Number.POSITIVE_INFINITY,
    ...(wall !== undefined && { wall }),
  };
}

/** The clock that was read decides; the one that writes dates may be another, so only dates and statements count. */
function wallOf({ offset, wanderUs }: WindowClock): WallClock | undefined {
  if (offset === undefined || offset.from === 'readings') return undefined;
  return { lowestUs: offset.lowestUs - wanderUs, highestUs: offset.highestUs + wanderUs };
}
