import { closest, distance } from 'fastest-levenshtein';

/** The option closest to the typed text, if at most a third of its letters differ. */
export function nearest(typed: string, options: readonly string[]): string | undefined {
  if (typed.length > LONGEST || options.length === 0) return undefined;
  const best = closest(typed, options);
  return distance(typed, best) <= Math.ceil(best.length / 3) ? best : undefined;
}

/** The distance of long texts is slow to compute, and no name is this long. */
const LONGEST = 64;
