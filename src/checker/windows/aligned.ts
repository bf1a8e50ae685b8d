import type { WindowPromise } from '../../core/promise.ts';
import type { WindowClock } from './clock.ts';

/** Windows of the epoch whose place on the recorder's clock is known, but for the wander of the limiter's clock. */
export interface AlignedWindows {
  readonly windowUs: number;
  /** The limiter's clock minus the recorder's. */
  readonly offsetUs: number;
  readonly wanderUs: number;
}

/** The windows of a promise of the epoch; undefined for another promise, or if their place is not known. */
export function alignedWindows(
  promise: WindowPromise,
  { offset, wanderUs }: WindowClock,
): AlignedWindows | undefined {
  if (promise.type !== 'fixed-window' || promise.alignment !== 'epoch') return undefined;
  if (offset === undefined || offset.lowestUs !== offset.highestUs) return undefined;
  return { windowUs: promise.windowUs, offsetUs: offset.lowestUs, wanderUs };
}

/** The number of the only window that certainly holds an operation that starts then, if one does. */
export function windowNumber({ windowUs, offsetUs, wanderUs }: AlignedWindows, invokedUs: number): number {
  return Math.floor((invokedUs + offsetUs - wanderUs) / windowUs);
}

/** The microseconds that lie in the window of this number however the clock wanders. */
export function insideOf(
  { windowUs, offsetUs, wanderUs }: AlignedWindows,
  number: number,
): { readonly startUs: number; readonly endUs: number } {
  return {
    startUs: Math.ceil(number * windowUs - offsetUs + wanderUs),
    endUs: Math.ceil((number + 1) * windowUs - offsetUs - wanderUs) - 1,
  };
}
