import type { ClockReading } from '../history/operation.ts';

/** A `Date` may be a proxy's, whose clock is another, or that of a reply that was kept. */
const GRANT_US = 2_000_000;
const SECOND_US = 1_000_000;

/**
 * Makes clock readings of the header `Date`, one a second for each region. It was written while the request was open, and
 * says the second that it was then: the middle of it is half a second off at most, beside half of the round trip.
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
