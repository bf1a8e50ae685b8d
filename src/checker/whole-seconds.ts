import { KIND, type OperationTable } from '../history/table.ts';

/** How the admissions to drained buckets lie within a second. Shares are from 0 to 1. */
export interface SecondSteps {
  readonly admissions: number;
  /** Of them, those that can all have been made at one same moment of a second. */
  readonly share: number;
  /** What that share would be if they came evenly: the mean length of their intervals, in seconds. */
  readonly evenShare: number;
  /** That moment, after a whole second of the clock that `offsetUs` turns the recorder's into. */
  readonly momentUs: number;
}

const SECOND_US = 1_000_000;
/** The moments of a second that are tried. */
const BINS = 100;
const BIN_US = SECOND_US / BINS;
/** A longer interval says nothing about where in a second an admission was made. */
const MOST_US = 900_000;

/**
 * A bucket that is drained and asked all the time admits whenever a token comes. So its admissions, after it first
 * denied, show when tokens come: evenly over a second where refill is continuous, together where it is by seconds.
 */
export function secondSteps(table: OperationTable, offsetUs: number): SecondSteps {
  const counts = new Float64Array(BINS);
  let [admissions, lengthUs] = [0, 0];
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    const drainedUs = firstDenialUs(table, bucket);
    eachRow(table, bucket, KIND.allowed, (startUs, us) => {
      if (startUs <= drainedUs || us >= MOST_US) return;
      admissions++;
      lengthUs += us + BIN_US;
      const first = Math.floor(mod(startUs + offsetUs, SECOND_US) / BIN_US);
      const last = first + Math.floor((mod(startUs + offsetUs, BIN_US) + us) / BIN_US);
      for (let bin = first; bin <= last; bin++) counts[bin % BINS] = (counts[bin % BINS] as number) + 1;
    });
  }
  const most = counts.reduce((best, next, bin) => (next > (counts[best] as number) ? bin : best), 0);
  return {
    admissions,
    share: admissions === 0 ? 0 : (counts[most] as number) / admissions,
    evenShare: admissions === 0 ? 0 : lengthUs / admissions / SECOND_US,
    momentUs: most * BIN_US,
  };
}

function firstDenialUs(table: OperationTable, bucket: number): number {
  let firstUs = Number.POSITIVE_INFINITY;
  eachRow(table, bucket, KIND.denied, (startUs, us) => {
    firstUs = Math.min(firstUs, startUs + us);
  });
  return firstUs;
}

function eachRow(
  table: OperationTable,
  bucket: number,
  outcome: number,
  use: (startUs: number, lengthUs: number) => void,
): void {
  const { starts, kinds, invokedUs } = table;
  for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
    if (((kinds[row] as number) & KIND.outcome) !== outcome) continue;
    const startUs = invokedUs[row] as number;
    use(startUs, table.lastUs(row) - startUs);
  }
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}
