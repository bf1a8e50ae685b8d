import { KIND } from '../history/columns/table.ts';
import { OUTCOMES, type Outcome } from '../history/records/operation.ts';
import { BOUNDARIES_S } from '../metrics/duration.ts';
import type { Series } from '../report/html/page-data.ts';
import type { Evidence } from '../report/html/run-page.ts';
import { makeSeries } from '../report/html/series.ts';
import { lengthOf, type SentRun } from './sent-run.ts';

/** Widths of steps, in seconds. */
const WIDTHS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];
const MOST_STEPS = 300;

/** What a series counts since the start of the run. */
export interface Histogram {
  readonly boundaries: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

export interface RegionTotals {
  readonly region: string;
  /** One for each time. */
  readonly requests: Readonly<Record<Outcome, readonly number[]>>;
  readonly excess: readonly number[];
  readonly falseDenials: readonly number[];
  /** Empty without the history. Of outcomes that have a duration. */
  readonly durations: Readonly<Partial<Record<Outcome, readonly Histogram[]>>>;
}

/** Totals since the start of a run, at a start of zero and after each step. */
export interface Totals {
  /** Microseconds of the run's clock; the first is the start. */
  readonly timesUs: readonly number[];
  readonly regions: readonly RegionTotals[];
}

/** The totals of a run over time; without its history, at its end only. */
export function totalsOf(run: SentRun): Totals {
  const { evidence } = run;
  return evidence === undefined ? totalsAtEnd(run) : totalsOverTime(run, evidence);
}

function totalsAtEnd(run: SentRun): Totals {
  const { untilUs } = lengthOf(run);
  const upTo = (total: number) => [0, total];
  return {
    timesUs: [0, untilUs],
    regions: run.report.regions.map(({ name, outcomes, excess, falseDenials }) => ({
      region: name,
      requests: ofOutcomes((outcome) => upTo(outcomes[outcome])),
      ...{ excess: upTo(excess), falseDenials: upTo(falseDenials), durations: {} },
    })),
  };
}

function totalsOverTime(run: SentRun, evidence: Evidence): Totals {
  const { judged, withFindings } = evidence.examination;
  const regions = run.report.regions.map(({ name }) => name);
  const binUs = chooseStepUs(lengthOf(run).untilUs);
  const series = makeSeries(judged, { regions, withFindings, binUs });
  const { startUs, bins } = series;
  const durations = durationsOf(evidence, regions, series);
  return {
    timesUs: Array.from({ length: bins + 1 }, (_, at) => startUs + at * binUs),
    regions: series.byRegion.map(({ counts, excess, falseDenials }, at) => ({
      region: regions[at] ?? '',
      requests: ofOutcomes((outcome) => summed(counts[outcome])),
      excess: summed(excess),
      falseDenials: summed(falseDenials),
      durations: durations[at] ?? {},
    })),
  };
}

/** Whole seconds, so that at most 300 steps make a run. */
export function chooseStepUs(lengthUs: number): number {
  const width =
    WIDTHS_S.find((seconds) => lengthUs / (seconds * 1_000_000) <= MOST_STEPS) ??
    3_600 * Math.ceil(lengthUs / (3_600_000_000 * MOST_STEPS));
  return 1_000_000 * width;
}

function ofOutcomes<T>(make: (outcome: Outcome) => T): Record<Outcome, T> {
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, make(outcome)])) as Record<Outcome, T>;
}

/** Sums from the start, with a zero before the first. */
function summed(counts: readonly number[]): number[] {
  let sum = 0;
  return [
    0,
    ...counts.map((count) => {
      sum += count;
      return sum;
    }),
  ];
}

const TIMED = ['allowed', 'denied', 'failed'] as const;

/** By region: histograms of seconds from the start up to each time. */
function durationsOf(
  { examination: { judged } }: Evidence,
  regions: readonly string[],
  { startUs, binUs, bins }: Series,
): RegionTotals['durations'][] {
  const { operations: table } = judged;
  const places = new Map(regions.map((region, at) => [region, at]));
  const cells = regions.map(() => TIMED.map(() => Array.from({ length: bins }, () => new Cell())));
  for (let row = 0; row < table.rows; row++) {
    const kind = table.kinds[row] as number;
    const lastUs = table.lastUs(row);
    if ((kind & KIND.part) !== 0 || lastUs === Number.POSITIVE_INFINITY) continue;
    const bin = Math.min(bins - 1, Math.max(0, Math.floor((lastUs - startUs) / binUs)));
    const place = places.get(table.regionOf(row)) ?? regions.length - 1;
    cells[place]?.[kind & KIND.outcome]?.[bin]?.add(table.latencyUs(row) / 1_000_000);
  }
  return cells.map((byOutcome) =>
    Object.fromEntries(TIMED.map((outcome, at) => [outcome, accumulated(byOutcome[at] ?? [])])),
  );
}

/** The durations of one step. */
class Cell {
  readonly counts = new Array<number>(BOUNDARIES_S.length + 1).fill(0);
  sum = 0;

  add(seconds: number): void {
    const above = BOUNDARIES_S.findIndex((boundary) => seconds <= boundary);
    const at = above < 0 ? BOUNDARIES_S.length : above;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += seconds;
  }
}

function accumulated(cells: readonly Cell[]): Histogram[] {
  let [counts, sum] = [new Cell().counts, 0];
  const look = (): Histogram => ({
    boundaries: BOUNDARIES_S,
    ...{ counts, sum, count: counts.reduce((all, count) => all + count, 0) },
  });
  const first = look();
  return [
    first,
    ...cells.map((cell) => {
      counts = counts.map((count, at) => count + (cell.counts[at] ?? 0));
      sum += cell.sum;
      return look();
    }),
  ];
}
