import { checkBucket } from '../../judge-bucket.ts';
import { BucketRows } from '../../rows/bucket-rows.ts';
import type { Trial } from './trial.ts';

const SECOND_US = 1_000_000;
/** Where in a second the limiter's seconds are tried to begin. */
const TRIED = 20;
/** If more places explain the history, it does not depend on seconds. */
const MOST_PLACES = 6;
const LEAST_VIOLATIONS = 5;
/** How many admissions and denials seconds in the wrong place contradict: a few may be right by chance. */
const LEAST_CONTRADICTED = 20;

/**
 * The limiter's clock counts whole seconds: with each moment t in the place of the start of its second,
 *   floor(t + o) - o,
 * each admission and each denial is right, for few offsets o of the twenty that are tried. The denials are what tells it
 * from a limiter that admits too much: tokens that come at the start of a second are there for the rest of it.
 */
export function secondClock(trial: Trial): string | undefined {
  const { context, falseDenials, excesses } = trial;
  if (context.windows?.areDenialsJudged === false || excesses + falseDenials < LEAST_VIOLATIONS)
    return undefined;
  const places = Array.from({ length: TRIED }, (_, at) => (at * SECOND_US) / TRIED);
  const wrong = places.map((offsetUs) => countWrong(trial, offsetUs)).sort((a, b) => a - b);
  const isSharp = (wrong[TRIED / 2] ?? 0) >= LEAST_CONTRADICTED && (wrong[MOST_PLACES] ?? 0) > 0;
  if (wrong[0] !== 0 || !isSharp) return undefined;
  return (
    'the clock of the limiter counts whole seconds: by such a clock each admission and each denial is right, and by one whose ' +
    `seconds begin half a second later they are not (${excesses + falseDenials} of them are wrong by an exact clock)`
  );
}

function countWrong({ table, context, buckets }: Trial, offsetUs: number): number {
  const start = (us: number) => Math.floor((us + offsetUs) / SECOND_US) * SECOND_US - offsetUs;
  const rows = new BucketRows({
    ...table,
    invokedUs: table.invokedUs.map(start),
    lastUs: (row) => start(table.lastUs(row)),
  });
  return buckets.reduce((sum, bucket) => {
    rows.load(bucket);
    const unreplayed = { ...context, isReplayed: false };
    const found = checkBucket(rows, { policy: table.policyOf(bucket), context: unreplayed, resets: [] });
    const excesses = context.windows === undefined ? found.over.drops.length : found.windows.length;
    return sum + excesses + found.denials.length;
  }, 0);
}
