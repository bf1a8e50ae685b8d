import type { Picture, RegionSeries, Series, WrongMeasure } from '../../report/html/page-data.ts';

type Values = readonly (number | null)[];

/** One measure over time. */
export interface Metric {
  readonly heading: string;
  readonly unit: string;
  /** In each bin of one region, or of all together. */
  readonly valuesOf: (series: Series, region: RegionSeries | undefined) => Values;
}

export const TIMED = ['allowed', 'denied', 'failed'] as const;
export const PERCENTILES = ['p50', 'p99'] as const;

const counted = (
  heading: string,
  unit: string,
  valuesOf: (region: RegionSeries, series: Series) => readonly number[],
): Metric => ({
  heading,
  unit,
  valuesOf: (series, region) =>
    (region === undefined ? series.byRegion : [region])
      .map((one) => valuesOf(one, series))
      .reduce((sums, values) => sums.map((sum, bin) => sum + (values[bin] ?? 0))),
});

const perSecond = (counts: readonly number[], { binUs }: Series) =>
  counts.map((count) => (count * 1e6) / binUs);

/** Counted measures: rates per second, or amounts. */
export const COUNTED: readonly Metric[] = [
  counted('Allowed', 'per second', ({ counts }, series) => perSecond(counts.allowed, series)),
  counted('Denied', 'per second', ({ counts }, series) => perSecond(counts.denied, series)),
  counted('Failed', 'per second', ({ counts }, series) => perSecond(counts.failed, series)),
  counted('No reply', 'per second', ({ counts }, series) => perSecond(counts.info, series)),
];

const WRONG: readonly (readonly [WrongMeasure, Metric])[] = [
  ['excess', counted('Excess', 'tokens beyond an ideal bucket', ({ excess }) => excess)],
  ['windows', counted('Broken windows', 'per second', ({ windows }, series) => perSecond(windows, series))],
  [
    'falseDenials',
    counted('False denials', 'per second', ({ falseDenials }, series) => perSecond(falseDenials, series)),
  ],
];

/** Measures of what is wrong, if it was judged in some of these runs. */
export function wrongOf(runs: readonly Pick<Picture, 'judged'>[]): readonly Metric[] {
  return WRONG.filter(([measure]) => runs.some(({ judged }) => judged.includes(measure))).map(
    ([, metric]) => metric,
  );
}

/** The latency of one outcome. The latency of all regions is not the sum of the regions. */
export function latencyOf(outcome: (typeof TIMED)[number], percentile: (typeof PERCENTILES)[number]): Metric {
  return {
    heading: `Latency, ${percentile}`,
    unit: `ms, ${outcome}`,
    valuesOf: (series, region) => (region?.latency ?? series.latency)[outcome][percentile],
  };
}

/** The middle of each bin, in seconds. */
export function timesOf({ startUs, binUs, bins }: Pick<Series, 'startUs' | 'binUs' | 'bins'>): number[] {
  return Array.from({ length: bins }, (_, bin) => (startUs + (bin + 0.5) * binUs) / 1e6);
}

/** From the first bin to the end of the last, in seconds. */
export function wholeOf({ startUs, binUs, bins }: Series): { min: number; max: number } {
  return { min: startUs / 1e6, max: (startUs + bins * binUs) / 1e6 };
}
