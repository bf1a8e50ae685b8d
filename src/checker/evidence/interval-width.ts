import { DURATION, type OperationTable } from '../../history/columns/table.ts';

/** At most this many intervals are sampled: the cause of their width is the same for all. */
const MOST_ROWS = 100_000;

/**
 * Why the intervals of a history are so wide that they prove little, as far as the times show it. `refillUs`: the time in
 * which the headroom is refilled.
 */
export function causeOfWidth(table: OperationTable, refillUs: number): string {
  const { starts, ends, widths } = sampleTimes(table);
  const medianUs = widths[widths.length >> 1] ?? 0;
  if (10 * medianUs < refillUs)
    return 'the intervals are narrow, so the buckets were not used up: the limiter denied while tokens were left, or each user needs more requests';
  const spanUs = Math.min(rangeOf(starts), rangeOf(ends));
  const half = `half of the requests seem to take ${lengthText(medianUs)} or more`;
  if (widths.length > 1 && medianUs >= spanUs)
    return `${half}, all of them together ${lengthText(spanUs)}: columns are swapped, or times are in another unit`;
  const [roundUs, which] = roundTimes([starts, ends]);
  if (roundUs * WIDTH_IN_UNITS >= medianUs)
    return `every ${which} is a multiple of ${lengthText(roundUs)}, so no interval is shorter: record times with more digits`;
  const leastUs = widths[0] ?? 0;
  if (2 * leastUs >= medianUs)
    return `every interval is at least ${lengthText(leastUs)} wide: use a smaller --clock-slack, or record times with more digits`;
  return `${half}: replies are slow, or durations are in another unit (--unit)`;
}

/** The shortest interval, and the largest common unit of all starts and ends; 0 if there is none. */
export function widthsOf(table: OperationTable): { leastUs: number; roundUs: number } {
  const { starts, ends, widths } = sampleTimes(table);
  const roundUs = UNITS_US.find((unitUs) => isRound(starts, unitUs) && isRound(ends, unitUs)) ?? 0;
  return { leastUs: widths[0] ?? 0, roundUs };
}

/** The width of an interval whose rounded ends are widened by a unit in both directions. */
const WIDTH_IN_UNITS = 4;

function sampleTimes(table: OperationTable) {
  const rows: number[] = [];
  const step = Math.max(1, Math.floor(table.rows / MOST_ROWS));
  for (let row = 0; row < table.rows; row += step)
    if (table.durationUs[row] !== DURATION.open) rows.push(row);
  const starts = Float64Array.from(rows, (row) => table.invokedUs[row] as number);
  const ends = Float64Array.from(rows, (row) => table.lastUs(row));
  const widths = ends.map((us, at) => us - (starts[at] as number)).sort();
  return { starts, ends, widths };
}

function rangeOf(times: Float64Array): number {
  const [least, most] = times.reduce(([low, high], us) => [Math.min(low, us), Math.max(high, us)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as [number, number]);
  return Math.max(0, most - least);
}

/** The largest unit of which all starts, or all ends, are multiples, except for a common offset. */
function roundTimes([starts, ends]: readonly [Float64Array, Float64Array]): [unitUs: number, which: string] {
  for (const unitUs of UNITS_US) {
    if (isRound(starts, unitUs)) return [unitUs, 'start'];
    if (isRound(ends, unitUs)) return [unitUs, 'end'];
  }
  return [0, 'start'];
}

function isRound(times: Float64Array, unitUs: number): boolean {
  return times.every((us) => (us - (times[0] as number)) % unitUs === 0);
}

const UNITS_US = [60_000_000, 1_000_000, 100_000, 10_000, 1_000];

export function lengthText(us: number): string {
  if (us >= 86_400_000_000) return `${Math.round(us / 86_400_000_000)} days`;
  return us >= 1_000_000
    ? `${Number((us / 1_000_000).toFixed(2))} s`
    : `${Number((us / 1_000).toFixed(2))} ms`;
}
