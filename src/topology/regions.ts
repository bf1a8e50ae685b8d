import { invalidOption } from '../core/errors.ts';

/** The most regions whose nodes one machine starts. */
export const MOST_REGIONS = 9;
/** The most regions of a simulation. */
export const MOST_SIMULATED_REGIONS = 100;

const NAME = '[a-z][a-z0-9-]{0,30}';
export const REGION = new RegExp(`^${NAME}$`);
/** A pair of regions as a key of `roundTripMs`. */
export const PAIR = new RegExp(`^${NAME}:${NAME}$`);

/** Returns the names if all are valid and different, and no more than `most`. Throws INVALID_OPTION. */
export function checkRegions(regions: readonly string[], most = MOST_REGIONS): readonly string[] {
  const proper = regions.length >= 1 && regions.length <= most && new Set(regions).size === regions.length;
  if (proper && regions.every((region) => REGION.test(region))) return regions;
  const count = most === MOST_REGIONS ? 'one to nine' : `1 to ${most}`;
  throw invalidOption(
    `regions must be ${count} different names of a-z, 0-9 and -; found ${regions.join(',') || 'none'}`,
  );
}
