import type { Policy } from '../core/policy.ts';
import type { OperationTable } from '../history/table.ts';
import { BrokenWindows } from './broken-windows.ts';
import type { BucketResult, PassRules } from './bucket-result.ts';
import type { BucketRows } from './bucket-rows.ts';
import {
  type Doubted,
  type Doubts,
  refundsNeeded,
  requestsNeededByReplay,
  requestsNeededByWindows,
} from './doubts.ts';
import { Drops } from './drops.ts';
import { bucketLevel, mostChargedOf, requestsNeeded, windowLevel } from './false-denial.ts';
import { FalseDenials } from './false-denials.ts';
import { doesLagFade } from './lag.ts';
import { limitTokensOf } from './promise.ts';

/** Without what requests that are not in the history can explain; its denials are looked at when all are known. */
export function withoutDoubtful(
  result: BucketResult,
  {
    table,
    policy,
    rules,
    doubts,
  }: { table: OperationTable; policy: Policy; rules: PassRules; doubts: Doubts },
): BucketResult {
  const { over, replay, windows } = result;
  if (over.drops.length + replay.findings.length + windows.length === 0) return result;
  const { unrecorded } = rules;
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
      requestsNeededByWindows(windows, limitTokensOf(rules.windows?.promise, policy), unrecorded),
    ) && { windows: new BrokenWindows() }),
  };
}

export function withoutDoubtfulDenials(
  result: BucketResult,
  { rows, rules, doubts }: { rows: BucketRows; rules: PassRules; doubts: Doubts },
): BucketResult {
  const { clock, known, unrecorded, windows } = rules;
  const most = unrecorded.mostRequests();
  if (result.denials.length === 0 || most === 0) return result;
  const policy = rows.table.policyOf(result.bucket);
  rows.load(result.bucket);
  const level =
    windows === undefined
      ? bucketLevel(policy, { clock, known, fades: doesLagFade(rows, policy, result.refunds) })
      : windowLevel(windows, known);
  const limit = limitTokensOf(windows?.promise, policy);
  const mostTokens = unrecorded.mayRepeat ? limit : Math.min(limit, mostChargedOf(rows));
  const mostQuanta = mostTokens * level.quantaPerToken;
  const needed = Math.max(1, requestsNeeded(rows, { level, known, mostQuanta }));
  const bucket = rows.table.nameOf(result.bucket);
  if (doubts.explain('falseDenials', { bucket, needed, amount: result.denials.length }))
    return { ...result, denials: new FalseDenials() };
  const ofOne = Math.ceil(limit / mostTokens);
  return { ...result, certainDenials: Math.min(result.denials.length, Math.ceil((needed - most) / ofOne)) };
}
