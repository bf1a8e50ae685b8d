import { closest, distance } from 'fastest-levenshtein';

/** `; did you mean "x"?` for the nearest of the names, if at most a third of it is mistyped; else nothing. */
export function didYouMean(found: unknown, names: readonly string[]): string {
  if (typeof found !== 'string' || found.length > LONGEST || names.length === 0) return '';
  const nearest = closest(found, names);
  const isSlip = distance(found, nearest) <= Math.ceil(nearest.length / 3);
  return isSlip ? `; did you mean "${nearest}"?` : '';
}

/** The distance of long texts is slow to find, and no name is so long. */
const LONGEST = 64;
