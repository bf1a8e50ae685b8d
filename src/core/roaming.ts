/** A share of the users, or as many of the busiest as the evidence needs. */
export type Roaming = number | 'auto';

/**
 * With `auto`: one bucket that all sides ask for while it is empty shows that they count together. The busiest are empty
 * most; so many leave room for those that rest or arrive late, and of few users all roam.
 */
const ROAMING_BUSIEST = 20;

/** Whether the user of a place roams, the busiest first; `drawn` is its own random number from 0 to 1. */
export function roams(roaming: Roaming, place: number, drawn: number): boolean {
  return roaming === 'auto' ? place < ROAMING_BUSIEST : drawn < roaming;
}
