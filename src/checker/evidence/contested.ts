import type { Policy } from '../../core/policy.ts';
import type { WindowPromise } from '../../core/promise.ts';
import { KIND } from '../../history/columns/table.ts';
import type { ClockLag } from '../clocks/bounds.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { countWhile } from '../rows/sort-rows.ts';
import type { LookedAt } from './spent-levels.ts';

/**
 * Marks the denials that show a drained bucket: its admissions can have left less than the cost of the denial.
 *
 * From a full bucket that is charged as late as possible, lowest(t) = B(t) - the costs in flight at t, as in
 * `false-denial.ts`. It is below the cost of a denial seen during [a, b] exactly when the admitted work of some window
 * that ends in [a, b] comes within that cost, plus what the intervals leave open, of what an ideal bucket allows. Between
 * a and b it rises by refill at the most, so lowest(b) - r(b - a) is at most its value at any moment of the denial. Here
 * an unknown start counts as a full bucket: only recorded operations can drain it.
 *
 * Two kinds of denials show nothing: those of a failure policy, which does not use the bucket, and those whose cost is
 * above the capacity, which a full bucket denies too.
 */
function contestedDenials(
  bucket: BucketRows,
  policy: Policy,
  lag: ClockLag,
  mark: (row: number) => void,
): void {
  if (bucket.denials === 0) return;
  bucket.loadByLast();
  const { table, byLast, lastCount } = bucket;
  const { kinds, costTokens, invokedUs } = table;
  const { capacityQuanta, quantaPerUs, quantaPerToken } = policy;
  const flight = new Flight(bucket);
  const lagUs = lag.epsilonUs + lag.backwardUs + lag.spreadUs;
  const toFullUs = capacityQuanta / quantaPerUs;
  let level = capacityQuanta;
  let levelUs = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < lastCount; at++) {
    const row = byLast[at] as number;
    const nowUs = table.lastUs(row);
    const elapsedUs = nowUs - levelUs;
    level =
      elapsedUs >= toFullUs ? capacityQuanta : Math.min(capacityQuanta, level + elapsedUs * quantaPerUs);
    levelUs = nowUs;
    const quanta = (costTokens[row] as number) * quantaPerToken;
    const kind = kinds[row] as number;
    if ((kind & KIND.outcome) !== KIND.denied) {
      level = Math.max(0, level - quanta);
      flight.end(row);
    } else if ((kind & KIND.fallback) === 0 && quanta <= capacityQuanta) {
      const raised = (nowUs - (invokedUs[row] as number) + lagUs) * quantaPerUs;
      if (level - raised < quanta || level - raised - flight.tokensAt(nowUs) * quantaPerToken < quanta)
        mark(row);
    }
  }
}

/** The tokens in flight. Times must not decrease. */
class Flight {
  readonly #bucket: BucketRows;
  #invoked = 0;
  #begun = 0;
  #ended = 0;

  constructor(bucket: BucketRows) {
    this.#bucket = bucket;
  }

  end(row: number): void {
    this.#ended += this.#bucket.table.costTokens[row] as number;
  }

  tokensAt(us: number): number {
    const { table, byInvoked, count } = this.#bucket;
    const { kinds, costTokens, invokedUs } = table;
    for (; this.#invoked < count; this.#invoked++) {
      const row = byInvoked[this.#invoked] as number;
      if ((invokedUs[row] as number) > us) break;
      if (((kinds[row] as number) & KIND.outcome) !== KIND.denied) this.#begun += costTokens[row] as number;
    }
    return this.#begun - this.#ended;
  }
}

/** Like `contestedDenials`, for windows with a limit: the admissions of one window before the denial can have filled it. */
function contestedByWindows(
  bucket: BucketRows,
  windows: LimitedWindows,
  lag: WindowLag,
  mark: (row: number) => void,
): void {
  tokensBeforeDenials(bucket, windows, lag, (row, tokens) => {
    if (tokens > windows.limit - (bucket.table.costTokens[row] as number)) mark(row);
  });
}

type LimitedWindows = Pick<WindowPromise, 'limit' | 'windowUs'>;
type WindowLag = Pick<ClockLag, 'epsilonUs' | 'slowPpm'>;

/** The most tokens that can have been admitted in one window before each denial of a cost that the limit holds. */
export function tokensBeforeDenials(
  bucket: BucketRows,
  { limit, windowUs }: LimitedWindows,
  { epsilonUs, slowPpm }: WindowLag,
  visit: (row: number, tokens: number) => void,
): void {
  if (bucket.denials === 0) return;
  bucket.loadByLast();
  const { table, byInvoked, byLast, count, lastCount } = bucket;
  const { kinds, costTokens, invokedUs } = table;
  const begun = prefixSums(bucket, byInvoked, count);
  const ended = prefixSums(bucket, byLast, lastCount);
  const lengthUs = windowUs / (1 + Math.min(0, slowPpm) / 1_000_000) + epsilonUs;
  for (let at = 0; at < lastCount; at++) {
    const row = byLast[at] as number;
    const kind = kinds[row] as number;
    if ((kind & (KIND.outcome | KIND.fallback)) !== KIND.denied || (costTokens[row] as number) > limit)
      continue;
    const sinceUs = (invokedUs[row] as number) - lengthUs;
    const invoked = countWhile(byInvoked, count, (one) => (invokedUs[one] as number) <= table.lastUs(row));
    const over = countWhile(byLast, lastCount, (one) => table.lastUs(one) < sinceUs);
    visit(row, (begun[invoked] as number) - (ended[over] as number));
  }
}

/** Prefix sums of the tokens charged, or possibly charged, in an order of rows. */
function prefixSums({ table }: BucketRows, rows: Uint32Array, count: number): Float64Array {
  const sums = new Float64Array(count + 1);
  for (let at = 0; at < count; at++) {
    const row = rows[at] as number;
    const isDenial = ((table.kinds[row] as number) & KIND.outcome) === KIND.denied;
    sums[at + 1] = (sums[at] as number) + (isDenial ? 0 : (table.costTokens[row] as number));
  }
  return sums;
}

/** Marks the contested denials of a loaded bucket by what it is judged by. */
export function markContested(
  bucket: BucketRows,
  { policy, context: { clock, windows } }: Pick<LookedAt, 'policy' | 'context'>,
  mark: (row: number) => void,
): void {
  if (windows === undefined) contestedDenials(bucket, policy, clock, mark);
  else contestedByWindows(bucket, windows.promise, clock, mark);
}
