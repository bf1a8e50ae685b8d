import { closest, distance } from 'fastest-levenshtein';

/** The option that is closest to what was typed, if it can be a slip: at most a third of its letters differ. */
export function nearest(typed: string, options: readonly string[]): string | undefined {
  if (typed.length > LONGEST || options.length === 0) return undefined;
  const best = closest(typed, options);
  return distance(typed, best) <= Math.ceil(best.length / 3) ? best : undefined;
}

/** The distance of long texts is slow to find, and no name is so long. */
const LONGEST = 64;
