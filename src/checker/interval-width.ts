import { DURATION, type OperationTable } from '../history/table.ts';

/** So many intervals are looked at: what makes them wide is the same for all. */
const MOST_ROWS = 100_000;

/** What makes the intervals of a history so wide that they prove little, as far as the times show it. */
export function causeOfWidth(table: OperationTable): string {
  const { starts, ends, widths } = timesOf(table);
  const medianUs = widths[widths.length >> 1] ?? 0;
  const spanUs = Math.min(rangeOf(starts), rangeOf(ends));
  const half = `half of the requests seem to take ${lengthText(medianUs)} or more`;
  if (widths.length > 1 && medianUs >= spanUs)
    return `${half}, all of them together ${lengthText(spanUs)}: columns are swapped, or times are in another unit`;
  const [roundUs, which] = roundTimes([starts, ends]);
  if (roundUs * WIDTH_IN_UNITS >= medianUs)
    return `every ${which} is a multiple of ${lengthText(roundUs)}, so no interval is shorter: times with more digits show more`;
  const leastUs = widths[0] ?? 0;
  if (2 * leastUs >= medianUs)
    return `every interval is at least ${lengthText(leastUs)} wide: a smaller --clock-slack, or times with more digits, show more`;
  return `${half}: replies are slow, or durations are in another unit (--unit)`;
}

/** An interval of rounded times is widened by a unit both ways. */
const WIDTH_IN_UNITS = 4;

function timesOf(table: OperationTable) {
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

/** The largest unit of which all starts, or all ends, are multiples, beside what every one of them has in common. */
function roundTimes([starts, ends]: readonly [Float64Array, Float64Array]): [unitUs: number, which: string] {
  for (const unitUs of UNITS_US) {
    const isRound = (times: Float64Array) => times.every((us) => (us - (times[0] as number)) % unitUs === 0);
    if (isRound(starts)) return [unitUs, 'start'];
    if (isRound(ends)) return [unitUs, 'end'];
  }
  return [0, 'start'];
}

const UNITS_US = [60_000_000, 1_000_000, 1_000];

function lengthText(us: number): string {
  if (us >= 86_400_000_000) return `${Math.round(us / 86_400_000_000)} days`;
  return us >= 1_000_000
    ? `${Number((us / 1_000_000).toFixed(2))} s`
    : `${Number((us / 1_000).toFixed(2))} ms`;
}
