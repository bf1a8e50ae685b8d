import { KIND, type OperationTable } from '../history/table.ts';

/** How the admissions to drained buckets lie within a second. Shares are from 0 to 1. */
export interface SecondSteps {
  readonly admissions: number;
  /** From the first of them to the last. */
  readonly spanUs: number;
  /** Of them, those that can all have been made within one same fifth of a second. */
  readonly share: number;
  /** What that share would be if they came evenly. */
  readonly evenShare: number;
  /** Where that fifth begins, after a whole second of the clock that `offsetUs` turns the recorder's into. */
  readonly fromUs: number;
}

/** What is asked after a second has begun needs some time to come and take what there is. */
const FIFTH_US = 200_000;

const SECOND_US = 1_000_000;
/** The places of a second that are tried. */
const BINS = 100;
const BIN_US = SECOND_US / BINS;
/** A bucket that gains one token a second gains it at the same moment of each, continuous as its refill may be. */
const LEAST_PER_SECOND = 2;
/** A longer interval meets every fifth of a second. */
const MOST_US = SECOND_US - FIFTH_US - BIN_US;

/**
 * A bucket that is drained and asked all the time admits whenever a token comes. So its admissions, after it first
 * denied, show when tokens come: evenly over a second where refill is continuous, together where it is by seconds.
 */
export function secondSteps(table: OperationTable, offsetUs: number): SecondSteps {
  const counts = new Float64Array(BINS);
  let [admissions, lengthUs] = [0, 0];
  let [firstUs, lastUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    if (
      table.policyOf(bucket).refill.tokens * SECOND_US <
      LEAST_PER_SECOND * table.policyOf(bucket).refill.perUs
    )
      continue;
    const drainedUs = firstDenialUs(table, bucket);
    eachRow(table, bucket, KIND.allowed, (startUs, us) => {
      if (startUs <= drainedUs || us >= MOST_US) return;
      admissions++;
      firstUs = Math.min(firstUs, startUs);
      lastUs = Math.max(lastUs, startUs);
      lengthUs += us + FIFTH_US;
      const earliestUs = startUs + offsetUs - FIFTH_US; // a fifth that begins from here on meets the interval
      const first = Math.floor(mod(earliestUs, SECOND_US) / BIN_US);
      const last = first + Math.floor((mod(earliestUs, BIN_US) + FIFTH_US + us) / BIN_US);
      for (let bin = first; bin <= last; bin++) counts[bin % BINS] = (counts[bin % BINS] as number) + 1;
    });
  }
  const most = counts.reduce((best, next, bin) => (next > (counts[best] as number) ? bin : best), 0);
  return {
    admissions,
    spanUs: lastUs - firstUs,
    share: admissions === 0 ? 0 : (counts[most] as number) / admissions,
    evenShare: admissions === 0 ? 0 : lengthUs / admissions / SECOND_US,
    fromUs: most * BIN_US,
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
