import type { Stated } from '../../history/records/operation.ts';
import type { Denied } from './yardstick.ts';

/** A stated wait, in seconds from the reply on: a date gives a range, since the clocks may differ. */
export interface Wait {
  readonly name: 'retryAfterS' | 'retryAtS';
  readonly leastS: number;
  readonly mostS: number;
}

/** The limiter's time of day minus the recorder's. Microseconds. */
export interface WallClock {
  readonly lowestUs: number;
  readonly highestUs: number;
}

/**
 * The wait after a denial. A date is cut off to whole seconds, and was written at any moment of the request. It is not
 * judged if the limiter's time of day is not known.
 */
export function waitOf(
  stated: Stated,
  denied: Denied | undefined,
  wall: WallClock | undefined,
): Wait | undefined {
  const { retryAfterS, retryAtS } = stated;
  if (denied === undefined) return undefined;
  if (retryAfterS !== undefined) return { name: 'retryAfterS', leastS: retryAfterS, mostS: retryAfterS };
  if (retryAtS === undefined || wall === undefined) return undefined;
  return {
    name: 'retryAtS',
    leastS: retryAtS - (denied.lastUs + wall.highestUs) / 1_000_000,
    mostS: retryAtS + 1 - (denied.invokedUs + wall.lowestUs) / 1_000_000,
  };
}
