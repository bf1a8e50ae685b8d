import type { BucketResult } from '../../checker/bucket-result.ts';
import { rounded } from '../../core/units.ts';
import { mayGiveBack } from '../../history/columns/reservation-rows.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import { OUTCOMES } from '../../history/records/operation.ts';
import type { OutcomeLatency, RegionSeries, Series } from './page-data.ts';

/** Round widths of bins, in milliseconds. */
const WIDTHS_MS = [50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/** The most bins that a screen can show. */
const MOST_BINS = 400;

/** Outcomes that have a latency, by the number that the table gives them. */
const TIMED = ['allowed', 'denied', 'failed'] as const;

const MOST_US = 2 ** 32 - 1;

/** The width of the bins for a whole run: at most 400 bins. Microseconds. */
export function chooseBinUs(history: History): number {
  const { firstUs, lastUs } = spanOf(history);
  const lengthMs = Math.max(0, lastUs - firstUs) / 1_000;
  const lastWidthMs = WIDTHS_MS.at(-1) ?? 1;
  const widthMs =
    WIDTHS_MS.find((width) => lengthMs / width <= MOST_BINS) ??
    Math.ceil(lengthMs / MOST_BINS / lastWidthMs) * lastWidthMs;
  return 1_000 * widthMs;
}

/** A run over time, in bins: outcomes, latencies and violations by region. */
export function makeSeries(
  history: History,
  {
    regions,
    withFindings,
    binUs,
  }: { regions: readonly string[]; withFindings: readonly BucketResult[]; binUs: number },
): Series {
  const { operations: table } = history;
  const places = new Places(table, regions);
  const axis = axisOf(history, binUs);
  const counts = regions.map(() => OUTCOMES.map(() => new Array<number>(axis.bins).fill(0)));
  for (let row = 0; row < table.rows; row++) {
    const kind = table.kinds[row] as number;
    if ((kind & KIND.part) !== 0) continue;
    const bins = counts[places.of(row)]?.[kind & KIND.outcome];
    const bin = binOf(axis, momentOf(table, row));
    if (bins !== undefined) bins[bin] = (bins[bin] ?? 0) + 1;
  }
  const wrong = countWrong(table, { axis, places, withFindings, regions: regions.length });
  const latency = new LatencyBins(table, { axis, places, regions: regions.length });
  return {
    ...axis,
    byRegion: regions.map(
      (_, region): RegionSeries => ({
        counts: Object.fromEntries(
          OUTCOMES.map((outcome, at) => [outcome, counts[region]?.[at] ?? []]),
        ) as unknown as RegionSeries['counts'],
        excess: wrong.excess[region] ?? [],
        windows: wrong.windows[region] ?? [],
        falseDenials: wrong.falseDenials[region] ?? [],
        latency: latency.ofRegion(region),
      }),
    ),
    latency: latency.ofAll(),
  };
}

/** The time at which an operation counts: its end, or its start if the end is unknown. Microseconds. */
function momentOf(table: OperationTable, row: number): number {
  const lastUs = table.lastUs(row);
  const isOpen = ((table.kinds[row] as number) & KIND.outcome) === KIND.info;
  return isOpen || lastUs === Number.POSITIVE_INFINITY ? (table.invokedUs[row] as number) : lastUs;
}

/** The place of a row's region; the last place is for all other regions. */
class Places {
  readonly #table: OperationTable;
  readonly #byName: ReadonlyMap<string, number>;
  readonly #byOrigin: number[] = [];
  readonly #last: number;

  constructor(table: OperationTable, regions: readonly string[]) {
    this.#table = table;
    this.#byName = new Map(regions.map((name, at) => [name, at]));
    this.#last = regions.length - 1;
  }

  of(row: number): number {
    const origin = this.#table.origins[row] as number;
    this.#byOrigin[origin] ??= this.#byName.get(this.#table.regionOf(row)) ?? this.#last;
    return this.#byOrigin[origin] as number;
  }
}

interface Axis {
  readonly startUs: number;
  readonly binUs: number;
  readonly bins: number;
}

function axisOf(history: History, binUs: number): Axis {
  const { firstUs, lastUs } = spanOf(history);
  if (history.operations.rows === 0) return { startUs: 0, binUs, bins: 1 };
  const startUs = Math.floor(firstUs / binUs) * binUs;
  return { startUs, binUs, bins: Math.floor((lastUs - startUs) / binUs) + 1 };
}

/** From the first operation to the last operation, fault or event. */
function spanOf({ operations: table, faults, events }: History): { firstUs: number; lastUs: number } {
  let [firstUs, lastUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = 0; row < table.rows; row++) {
    if (mayGiveBack(table, row)) continue;
    firstUs = Math.min(firstUs, table.invokedUs[row] as number);
    lastUs = Math.max(lastUs, momentOf(table, row));
  }
  return { firstUs, lastUs: [...faults, ...events].reduce((last, { atUs }) => Math.max(last, atUs), lastUs) };
}

function binOf({ startUs, binUs, bins }: Axis, us: number): number {
  return Math.min(bins - 1, Math.max(0, Math.floor((us - startUs) / binUs)));
}

function countWrong(
  table: OperationTable,
  {
    axis,
    places,
    withFindings,
    regions,
  }: { axis: Axis; places: Places; withFindings: readonly BucketResult[]; regions: number },
) {
  const empty = () => Array.from({ length: regions }, () => new Array<number>(axis.bins).fill(0));
  const [excess, windows, falseDenials] = [empty(), empty(), empty()];
  const add = (to: number[][], row: number, amount: number) => {
    const bins = to[places.of(row)];
    const bin = binOf(axis, momentOf(table, row));
    if (bins !== undefined) bins[bin] = (bins[bin] ?? 0) + amount;
  };
  for (const { bucket, over, denials, windows: broken } of withFindings) {
    const { quantaPerToken } = table.policyOf(bucket);
    for (const { row, quanta } of over.drops) add(excess, row, quanta / quantaPerToken);
    for (const { row } of broken) add(windows, row, 1);
    for (const { row } of denials) add(falseDenials, row, 1);
  }
  return { excess: excess.map((bins) => bins.map((tokens) => rounded(tokens, 3))), windows, falseDenials };
}

/** Exact percentiles of every bin, of each region and of all: durations are grouped, then each group is sorted. */
class LatencyBins {
  readonly #axis: Axis;
  readonly #regions: number;
  readonly #starts: Uint32Array;
  readonly #durations: Uint32Array;
  readonly #byRegion: OutcomeLatency[];

  constructor(
    table: OperationTable,
    { axis, places, regions }: { axis: Axis; places: Places; regions: number },
  ) {
    this.#axis = axis;
    this.#regions = regions;
    const makeCell = (row: number) => {
      const kind = table.kinds[row] as number;
      const outcome = kind & KIND.outcome;
      if ((kind & KIND.part) !== 0 || outcome === KIND.info) return -1;
      const lastUs = table.lastUs(row);
      if (lastUs === Number.POSITIVE_INFINITY) return -1;
      return this.#cell(binOf(axis, lastUs), outcome, places.of(row));
    };
    this.#starts = new Uint32Array(axis.bins * TIMED.length * regions + 1);
    for (let row = 0; row < table.rows; row++) {
      const cell = makeCell(row);
      if (cell >= 0) this.#starts[cell + 1] = (this.#starts[cell + 1] as number) + 1;
    }
    for (let at = 1; at < this.#starts.length; at++)
      this.#starts[at] = (this.#starts[at] as number) + (this.#starts[at - 1] as number);
    this.#durations = new Uint32Array(this.#starts.at(-1) as number);
    const next = this.#starts.slice();
    for (let row = 0; row < table.rows; row++) {
      const cell = makeCell(row);
      if (cell < 0) continue;
      const to = next[cell] as number;
      next[cell] = to + 1;
      this.#durations[to] = Math.min(MOST_US, table.latencyUs(row));
    }
    this.#byRegion = Array.from({ length: regions }, (_, region) =>
      this.#latency((bin, outcome) => this.#cells(this.#cell(bin, outcome, region), 1)),
    );
  }

  ofRegion(region: number): OutcomeLatency {
    return this.#byRegion[region] as OutcomeLatency;
  }

  /** Sorts the regions of each cell together, so single regions cannot be read afterwards. */
  ofAll(): OutcomeLatency {
    return this.#latency((bin, outcome) => this.#cells(this.#cell(bin, outcome, 0), this.#regions));
  }

  #cell(bin: number, outcome: number, region: number): number {
    return (bin * TIMED.length + outcome) * this.#regions + region;
  }

  #cells(first: number, count: number): Uint32Array {
    return this.#durations.subarray(this.#starts[first], this.#starts[first + count]).sort();
  }

  #latency(sorted: (bin: number, outcome: number) => Uint32Array): OutcomeLatency {
    const bins = Array.from({ length: this.#axis.bins }, (_, bin) => bin);
    const of = (outcome: number) => {
      const durations = bins.map((bin) => sorted(bin, outcome));
      const percentile = (share: number) =>
        durations.map((all) =>
          all.length === 0 ? null : rounded((all[Math.ceil(share * all.length) - 1] as number) / 1_000, 3),
        );
      return { p50: percentile(0.5), p99: percentile(0.99) };
    };
    return Object.fromEntries(TIMED.map((name, at) => [name, of(at)])) as unknown as OutcomeLatency;
  }
}
