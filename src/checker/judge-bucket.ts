import type { Policy } from '../core/policy.ts';
import { KIND } from '../history/columns/table.ts';
import { type BucketResult, type CheckerContext, clockOf } from './bucket-result.ts';
import type { ClockLag } from './clocks/bounds.ts';
import { collectRefunds } from './proofs/collect-refunds.ts';
import { judgeDenials } from './proofs/false-denial.ts';
import { FalseDenials } from './proofs/false-denials.ts';
import { doesLagFade } from './proofs/lag.ts';
import { bucketLevel, windowLevel } from './proofs/lowest-level.ts';
import { findOverAdmission, isOverAdmitted } from './proofs/over-admission.ts';
import type { Refund } from './proofs/refund.ts';
import { replayBucket } from './proofs/replay.ts';
import type { BucketRows } from './rows/bucket-rows.ts';
import { FULL, type Known } from './rows/coverage.ts';
import { endedByNextDecision, type Reset } from './rows/resets.ts';
import { Lies } from './stated/lies.ts';
import { BrokenWindows } from './windows/broken-windows.ts';
import { findBrokenWindows } from './windows/promised-windows.ts';

/** What a bucket is judged by. */
export interface OfBucket {
  readonly policy: Policy;
  readonly context: CheckerContext;
  readonly resets: readonly Reset[];
}

const NO_LIES = new Lies();

/** Judges the answers of one loaded bucket: what it admitted and denied. */
export function checkBucket(rows: BucketRows, ofBucket: OfBucket): BucketResult {
  const { policy, context, resets } = ofBucket;
  const { known, unrecorded } = context;
  const isUnknownBefore = unrecorded.mayRefund && known.initial === 'unknown';
  const recorded = collectRefunds(rows, { full: policy, clock: context.clock, resets });
  const earlier = isUnknownBefore ? earlierRefund(rows, policy, known) : undefined;
  const isExcused = earlier !== undefined && isOverAdmitted(rows, policy, context.clock, recorded);
  const refunds = earlier === undefined ? recorded : [earlier, ...recorded];
  const admissions = judgeAdmissions(rows, ofBucket, refunds);
  const result = {
    bucket: rows.bucket,
    ...admissions,
    earlierTokens: isExcused ? earlier.quanta / policy.quantaPerToken : 0,
    ...judgeBucketDenials(rows, policy, { context, refunds }),
    ...lateResets(rows, ofBucket, { admissions, earlier }),
    lies: NO_LIES,
    refunds,
  };
  if (recorded.length > 0 || rows.hasSettled || context.isReplayed === false)
    return { ...result, replay: { replayed: 0, findings: [] } };
  const moves = context.movesOf(rows.bucket);
  return { ...result, replay: replayBucket(rows, policy, { ...known, moves }) }; // last: it uses one of the orders as scratch space
}

type Admissions = Pick<BucketResult, 'over' | 'windows'>;

function judgeAdmissions(
  rows: BucketRows,
  { policy, context: { clock, known, windows, unrecorded }, resets }: OfBucket,
  refunds: readonly Refund[],
): Admissions {
  const isUnknownBefore = unrecorded.mayRefund && known.initial === 'unknown';
  return {
    over: findOverAdmission(rows, policy, clock, refunds),
    windows:
      windows === undefined
        ? new BrokenWindows()
        : findBrokenWindows(
            rows,
            windows.promise,
            windows.clock,
            resets,
            isUnknownBefore ? windows.clock.knownFromUs : undefined,
          ),
  };
}

/** The resets without an end that acquit a bucket only if one acted later than the next decision, if they do. */
function lateResets(
  rows: BucketRows,
  ofBucket: OfBucket,
  { admissions, earlier }: { admissions: Admissions; earlier: Refund | undefined },
): Pick<BucketResult, 'lateResets'> {
  const { policy, context, resets } = ofBucket;
  const open = resets.filter(({ lastUs }) => lastUs === Number.POSITIVE_INFINITY);
  if (open.length === 0 || isExceeded(admissions, context)) return {};
  const ended = endedByNextDecision(resets, rows);
  const recorded = collectRefunds(rows, { full: policy, clock: context.clock, resets: ended });
  const refunds = earlier === undefined ? recorded : [earlier, ...recorded];
  return isExceeded(judgeAdmissions(rows, { ...ofBucket, resets: ended }, refunds), context)
    ? { lateResets: open }
    : {};
}

/** Of another promise than a token bucket only the windows count. */
function isExceeded({ over, windows }: Admissions, context: CheckerContext): boolean {
  return (context.windows === undefined ? over.drops.length : windows.length) > 0;
}

/** The clock, if it were known exactly. */
function exact<C extends ClockLag>(clock: C): C {
  return { ...clock, epsilonUs: 0, backwardUs: 0, unseenBackwardUs: 0, spreadUs: 0 };
}

function judgeBucketDenials(
  rows: BucketRows,
  policy: Policy,
  { context, refunds }: { context: CheckerContext; refunds: readonly Refund[] },
): Pick<BucketResult, 'denials' | 'excused' | 'unexplained'> {
  const { known, windows } = context;
  const hasMoved = context.movesOf(rows.bucket).length > 0;
  if (windows?.areDenialsJudged === false || (windows !== undefined && hasMoved))
    return { denials: new FalseDenials(), excused: 0, unexplained: 0 };
  if (windows !== undefined)
    return judgeDenials(rows, known, {
      levelOf: () => windowLevel(windows, known),
      exactLevelOf: () => windowLevel({ ...windows, clock: exact(windows.clock) }, FULL),
      mostQuanta: windows.promise.limit,
    });
  const clock = clockOf(context, rows.bucket);
  const returned = hasMoved ? [] : refunds;
  const fades = rows.denials > 0 && doesLagFade(rows, policy, refunds);
  return judgeDenials(rows, known, {
    levelOf: () => bucketLevel(policy, { clock, known, fades, refunds: returned }),
    exactLevelOf: () =>
      bucketLevel(policy, { clock: exact(clock), known: FULL, fades: false, refunds: returned }),
    mostQuanta: policy.capacityQuanta,
  });
}

/**
 * In a history that starts in mid-traffic, earlier refunds that it lacks may have paid for the admissions that began
 * before `knownFromUs`: at most for their whole cost.
 */
function earlierRefund(
  { table, byInvoked, count }: BucketRows,
  policy: Policy,
  known: Known,
): Refund | undefined {
  let tokens = 0;
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    if ((table.invokedUs[row] as number) >= known.knownFromUs) break;
    if (((table.kinds[row] as number) & KIND.outcome) === KIND.allowed)
      tokens += table.costTokens[row] as number;
  }
  if (tokens === 0) return undefined;
  return {
    fromUs: Number.NEGATIVE_INFINITY,
    lastUs: known.knownFromUs,
    quanta: tokens * policy.quantaPerToken,
  };
}
