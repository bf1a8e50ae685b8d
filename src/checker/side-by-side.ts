import type { Episodes } from '../core/bound.ts';
import { AGE_EVENT } from '../history/age-event.ts';
import type { Event } from '../history/operation.ts';
import type { ClockBounds } from './clock.ts';

/**
 * What the bound of regions that decide side by side depends on; undefined where nothing says that they did. All their
 * buckets are one shard: each is decided by every node, and no node takes over from another. A step of a clock counts in
 * either direction: forward it refills, backward it makes the knowledge of the others look younger than it is.
 */
export function sideBySideOf(
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

/** Null where one admitted before it had heard of all others. */
function oldest(ages: readonly Event[]): number | null {
  const known = ages.map(({ args: { ageUs, unheard } = {} }) =>
    typeof ageUs === 'number' && unheard === 0 ? ageUs : null,
  );
  return known.reduce(
    (most, ageUs) => (most === null || ageUs === null ? null : Math.max(most, ageUs)),
    0 as number | null,
  );
}
