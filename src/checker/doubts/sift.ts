import type { Policy } from '../../core/policy.ts';
import { limitTokensOf } from '../../core/promise.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import { type BucketResult, type CheckerContext, clockOf } from '../bucket-result.ts';
import { Drops } from '../proofs/drops.ts';
import { findMostCharged, requestsNeeded } from '../proofs/false-denial.ts';
import { FalseDenials } from '../proofs/false-denials.ts';
import { doesLagFade } from '../proofs/lag.ts';
import { bucketLevel, windowLevel } from '../proofs/lowest-level.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { BrokenWindows } from '../windows/broken-windows.ts';
import {
  type Doubted,
  type Doubts,
  refundsNeeded,
  requestsNeededByReplay,
  requestsNeededByWindows,
} from './doubts.ts';

/**
 * The result without findings that missing requests can explain. Denials follow later, once those of all buckets are
 * known.
 */
export function withoutDoubtful(
  result: BucketResult,
  {
    table,
    policy,
    context,
    doubts,
  }: { table: OperationTable; policy: Policy; context: CheckerContext; doubts: Doubts },
): BucketResult {
  const { over, replay, windows } = result;
  if (over.drops.length + replay.findings.length + windows.length === 0) return result;
  const { unrecorded } = context;
  const bucket = table.nameOf(result.bucket);
  const isDoubtful = (checker: Doubted, amount: number, needed: () => number) =>
    amount > 0 && doubts.explain(checker, { bucket, amount, needed: needed() });
  return {
    ...result,
    ...(isDoubtful('overAdmission', over.totalExcessQuanta / policy.quantaPerToken, () =>
      refundsNeeded(over, policy, unrecorded),
    ) && { over: { ...over, totalExcessQuanta: 0, drops: Drops.of([]) } }),
    ...(isDoubtful('replay', replay.findings.length, () =>
      requestsNeededByReplay(table, replay.findings, policy, unrecorded),
    ) && { replay: { ...replay, findings: [] } }),
    ...(isDoubtful('windows', windows.length, () =>
      requestsNeededByWindows(windows, limitTokensOf(context.windows?.promise, policy), unrecorded),
    ) && { windows: new BrokenWindows() }),
  };
}

export function withoutDoubtfulDenials(
  result: BucketResult,
  { rows, context, doubts }: { rows: BucketRows; context: CheckerContext; doubts: Doubts },
): BucketResult {
  const { known, unrecorded, windows } = context;
  const most = unrecorded.mostRequests();
  if (result.denials.length === 0 || most === 0) return result;
  const policy = rows.table.policyOf(result.bucket);
  rows.load(result.bucket);
  const clock = clockOf(context, result.bucket);
  const level =
    windows === undefined
      ? bucketLevel(policy, { clock, known, fades: doesLagFade(rows, policy, result.refunds) })
      : windowLevel(windows, known);
  const limit = limitTokensOf(windows?.promise, policy);
  const mostTokens = unrecorded.mayRepeat ? limit : Math.min(limit, findMostCharged(rows));
  const mostQuanta = mostTokens * level.quantaPerToken;
  const needed = Math.max(1, requestsNeeded(rows, { level, known, mostQuanta }));
  const bucket = rows.table.nameOf(result.bucket);
  if (doubts.explain('falseDenials', { bucket, needed, amount: result.denials.length }))
    return { ...result, denials: new FalseDenials() };
  const ofOne = Math.ceil(limit / mostTokens);
  return { ...result, certainDenials: Math.min(result.denials.length, Math.ceil((needed - most) / ofOne)) };
}
