import type { Policy } from '../../../core/policy.ts';
import { KIND } from '../../../history/columns/table.ts';
import type { CheckerContext } from '../../bucket-result.ts';
import { judgeDenials } from '../../proofs/false-denial.ts';
import { doesLagFade } from '../../proofs/lag.ts';
import { bucketLevel } from '../../proofs/lowest-level.ts';
import { isOverAdmitted } from '../../proofs/over-admission.ts';
import { BucketRows } from '../../rows/bucket-rows.ts';
import type { Explanation, Trial } from './trial.ts';

const LEAST_DROPS = 3;
/** How many times as long as the longest rest that is certainly remembered the shortest forgotten one may be. */
const SHARP = 2;

/**
 * Buckets are full after a rest in which refill does not fill them. There is a length of rests: if every longer one fills
 * the bucket, all admissions and denials are explained; if only rests much longer do, some admissions are not; and if much
 * shorter ones do, some denials are not.
 */
export function forgottenState(trial: Trial): Explanation | undefined {
  if (trial.drops === 0 || trial.falseDenials > 0) return undefined;
  const explained = [false, true]
    .map((isRenewed) => explain(trial, isRenewed))
    .filter((one) => one !== undefined);
  return explained.find(({ isStrong }) => isStrong) ?? explained[0];
}

/** `isRenewed`: a denial renews the state of its bucket, as an admission does. */
function explain(trial: Trial, isRenewed: boolean): Explanation | undefined {
  const lengths = restLengths(trial, isRenewed);
  const some = (restUs: number, holds: Holds) => someSpan(trial, { restUs, isRenewed }, holds);
  const exceeds = (restUs: number) => some(restUs, (span, policy) => isExceeded(span, policy, trial.context));
  const refuses = (restUs: number) =>
    some(restUs, (span, policy, isFirst) => isRefused(span, policy, { ...trial.context, isFirst }));
  if (lengths[0] === undefined || exceeds(lengths[0])) return undefined;
  const forgottenUs = longestWhere(lengths, (restUs) => !exceeds(restUs));
  if (forgottenUs === undefined || refuses(forgottenUs)) return undefined;
  const rests = lengths.filter((us) => us >= forgottenUs && us < longestFill(trial)).length;
  return {
    isStrong: trial.drops >= LEAST_DROPS && rests >= LEAST_DROPS && refuses(forgottenUs / SHARP),
    sentence: `buckets are full after a rest of ${seconds(forgottenUs)} s, before refill can have filled them: their state is forgotten`,
  };
}

/** `isFirst`: the span begins with the history, not with a rest. */
type Holds = (span: BucketRows, policy: Policy, isFirst: boolean) => boolean;

function longestFill(trial: Trial): number {
  return trial.buckets.reduce((most, bucket) => {
    const { capacityQuanta, quantaPerUs } = trial.table.policyOf(bucket);
    return Math.max(most, capacityQuanta / quantaPerUs);
  }, 0);
}

/** The lengths of all rests, ascending. */
function restLengths(trial: Trial, isRenewed: boolean): number[] {
  const lengths: number[] = [];
  trial.some((rows) => {
    eachRest(rows, isRenewed, (us) => lengths.push(us));
    return false;
  });
  return [...new Set(lengths)].sort((a, b) => a - b);
}

/** The largest length that holds; every smaller one holds too. */
function longestWhere(lengths: readonly number[], holds: (us: number) => boolean): number | undefined {
  let [low, high] = [-1, lengths.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (holds(lengths[middle] as number)) low = middle;
    else high = middle;
  }
  return lengths[low];
}

/** Calls with each rest: the time from the end of all operations that renew a state to the next operation. */
function eachRest(
  { table, byInvoked, count }: BucketRows,
  isRenewed: boolean,
  use: (us: number, at: number) => void,
): void {
  let endUs = Number.POSITIVE_INFINITY;
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    const fromUs = table.invokedUs[row] as number;
    if (fromUs > endUs) use(fromUs - endUs, at);
    if (!isRenewed && ((table.kinds[row] as number) & KIND.outcome) === KIND.denied) continue;
    endUs = endUs === Number.POSITIVE_INFINITY ? table.lastUs(row) : Math.max(endUs, table.lastUs(row));
  }
}

/** Whether a span between two rests of at least `restUs` satisfies a condition. */
function someSpan(
  trial: Trial,
  { restUs, isRenewed }: { restUs: number; isRenewed: boolean },
  holds: Holds,
): boolean {
  return trial.some((rows, policy) => {
    const starts = [0];
    eachRest(rows, isRenewed, (us, at) => {
      if (us >= restUs) starts.push(at);
    });
    return starts.some((start, number) =>
      holds(spanOf(rows, start, starts[number + 1] ?? rows.count), policy, number === 0),
    );
  });
}

function spanOf({ table, byInvoked, hasFree }: BucketRows, start: number, end: number): BucketRows {
  const span = BucketRows.of(table, [...byInvoked.subarray(start, end)]);
  span.hasFree = hasFree;
  return span;
}

function isExceeded(span: BucketRows, policy: Policy, { clock }: CheckerContext): boolean {
  return isOverAdmitted(span, policy, clock, []);
}

function isRefused(
  span: BucketRows,
  policy: Policy,
  { clock, known, isFirst }: CheckerContext & { readonly isFirst: boolean },
): boolean {
  const full = isFirst ? known : { ...known, initial: 'full' as const };
  const fades = span.denials > 0 && doesLagFade(span, policy, []);
  const levelOf = () => bucketLevel(policy, { clock, known: full, fades });
  return judgeDenials(span, full, { levelOf, mostQuanta: policy.capacityQuanta }).denials.length > 0;
}

function seconds(us: number): string {
  return String(Math.round(us / 1_000) / 1_000);
}
