import type { Policy } from '../../core/policy.ts';

/** The level that an operation found, by its reply. */
export interface FoundLevel {
  readonly atUs: number;
  readonly quanta: number;
  /** Whether a charge must leave exactly this level, or may leave a higher one. */
  readonly isExact: boolean;
}

/** An operation that may have been charged before. Whole microseconds. */
export interface Charge {
  readonly quanta: number;
  readonly fromUs: number;
  readonly untilUs: number;
}

/**
 * A moment at which a charge leaves the level that was found later; undefined if there is none. The level there depends on
 * the moment only while the bucket is full: then it has regained a part since. So the last moment, the first, and the one
 * with the right part are tried.
 */
export function explainingMoment(
  bucket: { readonly nowUs: number; levelAt(us: number): number },
  { capacityQuanta, quantaPerUs }: Policy,
  found: FoundLevel,
  { quanta, fromUs, untilUs }: Charge,
): number | undefined {
  const regained = found.quanta + quanta - capacityQuanta;
  const firstUs = Math.max(bucket.nowUs, fromUs);
  const lastUs = Math.min(found.atUs, untilUs);
  return [lastUs, found.atUs - Math.ceil(regained / quantaPerUs), firstUs].find((us) => {
    if (us < firstUs || us > lastUs) return false;
    const left = bucket.levelAt(us) - quanta + (found.atUs - us) * quantaPerUs;
    return found.isExact ? left === found.quanta : left > found.quanta;
  });
}
