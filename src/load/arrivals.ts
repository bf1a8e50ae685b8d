import type { Random } from '../core/prng.ts';

/** When a request of an open load is due, and where. */
export interface Arrival {
  /** After the start of the load. */
  readonly atUs: number;
  /** The place of its region among the targets. */
  readonly region: number;
  /** Absent until it is drawn; of a recorded load, its user and cost are not drawn. */
  readonly request?: Request;
}

/** Whole tokens: the same for every policy, or by the name of each policy. */
export type DrawnCost = number | Readonly<Record<string, number>>;

/** Who asks, and for how many tokens. */
export interface Request {
  readonly user: string;
  readonly cost: DrawnCost;
  /** What it really costs, if it reserves its cost. */
  readonly actual?: number | undefined;
  /** Chooses its body, where there are several. */
  readonly body?: Random;
}

/** In the order of their times. */
export type Arrivals = Iterator<Arrival, undefined>;

/** Times of a higher rate, each at the end of a period: buckets have had time to fill. */
export interface Peaks {
  readonly ratePerSecond: number;
  /** The length of a period; longer than its peak. */
  readonly everyMs: number;
  readonly forMs: number;
}

/** Request n is due n / rate after the start, in the n-th region in turn. */
export function* steadyArrivals(ratePerSecond: number, regions: number): Arrivals {
  const usEach = 1_000_000 / ratePerSecond;
  for (let nth = 0; ; nth++) yield { atUs: nth * usEach, region: nth % regions };
}

/** In each period the first requests are due at the steady rate, and those of the peak at its own. */
export function* peakArrivals(
  ratePerSecond: number,
  regions: number,
  { ratePerSecond: peak, everyMs, forMs }: Peaks,
): Arrivals {
  const quietMs = everyMs - forMs;
  const quiet = (ratePerSecond * quietMs) / 1_000;
  const inPeriod = quiet + (peak * forMs) / 1_000; // not a whole number: the rest goes into the next period
  for (let nth = 0; ; nth++) {
    const periods = Math.floor(nth / inPeriod);
    const inThis = nth - periods * inPeriod;
    const ms =
      inThis < quiet ? (1_000 * inThis) / ratePerSecond : quietMs + (1_000 * (inThis - quiet)) / peak;
    yield { atUs: 1_000 * (periods * everyMs + ms), region: nth % regions };
  }
}
