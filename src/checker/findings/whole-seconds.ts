import { KIND, type OperationTable } from '../../history/columns/table.ts';

/** When in a second drained buckets admit. Shares are from 0 to 1. */
export interface SecondSteps {
  readonly admissions: number;
  /** From the first of these admissions to the last. */
  readonly spanUs: number;
  /** The largest share of them that can lie within one fifth of a second. */
  readonly share: number;
  /** The share that an even spread would give. */
  readonly evenShare: number;
  /** The start of that fifth, after a whole second of the clock that is `offsetUs` ahead of the recorder's. */
  readonly fromUs: number;
}

/** Requests need some time after the start of a second to take its tokens. */
const FIFTH_US = 200_000;

const SECOND_US = 1_000_000;
/** The number of tried positions in a second. */
const BINS = 100;
const BIN_US = SECOND_US / BINS;
/** With one token a second, even a continuous refill yields its token at the same moment of each second. */
const LEAST_PER_SECOND = 2;
/** A longer interval overlaps every fifth of a second. */
const MOST_US = SECOND_US - FIFTH_US - BIN_US;

/**
 * A drained bucket under constant load admits whenever a token comes. So its admissions after its first denial show when
 * tokens come: evenly over a second if refill is continuous, together if refill is by whole seconds. In runs a limiter
 * of whole seconds had 96 to 100 % where an even spread gives 22 to 45 %, an exact bucket 27 to 61 % where it gives 22
 * to 56 %. At one moment instead of a fifth the former has 38 to 92 %.
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
      const earliestUs = startUs + offsetUs - FIFTH_US; // a fifth that begins after this overlaps the interval
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
