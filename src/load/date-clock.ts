import type { ClockReading } from '../history/records/operation.ts';

/** A `Date` may come from a proxy with another clock, or from a cached reply. */
const GRANT_US = 2_000_000;
const SECOND_US = 1_000_000;

/**
 * Makes clock readings from the header `Date`, one per second and region. The header was written while the request was
 * open, and has whole seconds. The error is at most half a second plus half of the round trip.
 */
export class DateClock {
  readonly #nextUs = new Map<string, number>();

  read(
    { region, invokedUs }: { readonly region: string; readonly invokedUs: number },
    completedUs: number,
    dateUs: number,
  ): ClockReading | undefined {
    if (completedUs < (this.#nextUs.get(region) ?? 0)) return undefined;
    this.#nextUs.set(region, completedUs + SECOND_US);
    return {
      type: 'clock',
      node: region,
      atUs: (invokedUs + completedUs) / 2,
      serverUs: dateUs + SECOND_US / 2,
      errorUs: (completedUs - invokedUs) / 2 + SECOND_US / 2 + GRANT_US,
      source: 'date',
    };
  }
}
