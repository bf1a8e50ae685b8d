/**
 * A region keeps this many spends of its own in a bucket before they wait for the end of their grain: at most twice as
 * many lie within the time that is kept, plus a few.
 */
export const MOST_OWN_SPENDS = 64;

/** The time within which spends of one region may share an entry. */
export function grainUsOf(maxAgeUs: number): number {
  return Math.ceil(maxAgeUs / MOST_OWN_SPENDS);
}

/** How long a spend stays by itself: the declared age, and the grain that the newest part of it may be younger. */
export function keepUsOf(maxAgeUs: number): number {
  return maxAgeUs + grainUsOf(maxAgeUs);
}
