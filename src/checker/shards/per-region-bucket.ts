import type { Episodes } from '../../core/bound.ts';
import type { Event } from '../../history/records/operation.ts';
import { AGE_EVENT } from '../../history/records/operation.ts';
import type { ClockBounds } from '../clocks/bounds.ts';

/**
 * The facts for the bound of a strategy with `perRegionBucket`; undefined if no event shows that regions decided so. All
 * buckets are one shard: every node decides each of them, and no node takes over from another. A clock step counts in
 * both directions: forward it refills, backward it makes the data of the other regions look younger than it is.
 */
export function perRegionEpisodes(
  { regions, events }: { readonly regions: readonly string[]; readonly events: readonly Event[] },
  { steps, spreadUs }: Pick<ClockBounds, 'steps' | 'spreadUs'>,
): Omit<Episodes, 'serviceClockSpreadUs'> | undefined {
  const ages = events.filter(({ event }) => event === AGE_EVENT);
  if (ages.length === 0) return undefined;
  const restarts = events.filter(({ event, args }) => event === 'restart' && args?.empty === true);
  return {
    shard: 'every region',
    failovers: [],
    emptyRestarts: restarts.length,
    clockStepsUs: steps.map(({ byUs }) => byUs),
    sideBySide: { regions: regions.length, ageUs: oldest(ages), clockSpreadUs: spreadUs },
  };
}

/** Null if a node admitted before it had heard from all other regions. */
function oldest(ages: readonly Event[]): number | null {
  const known = ages.map(({ args: { ageUs, unheard } = {} }) =>
    typeof ageUs === 'number' && unheard === 0 ? ageUs : null,
  );
  return known.reduce(
    (most, ageUs) => (most === null || ageUs === null ? null : Math.max(most, ageUs)),
    0 as number | null,
  );
}
