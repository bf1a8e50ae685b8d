import { type CheckReport, checkHistory, type Examination, examineHistory } from '../checker/check.ts';
import { MEASURES, parseClaim } from '../checker/claim.ts';
import type { ClaimResult } from '../checker/claims.ts';
import { activityOf, silenceText, silentRegions } from '../checker/silent-regions.ts';
import type { History } from '../history/history.ts';
import { OUTCOMES } from '../history/operation.ts';
import { boundOf, falseDenialsOf } from '../limiter/bounds.ts';
import { failurePolicyOf } from './failure-policy-of.ts';
import { busiestBuckets } from './plan-file.ts';
import type { JudgedBy, Run } from './run-context.ts';

/** What each region waited for each outcome, as the checker has it: there are no other figures beside. */
export function latenciesOf({ regions }: CheckReport) {
  return regions.flatMap(({ name: region, latency: figures }) =>
    OUTCOMES.flatMap((outcome) => {
      const latency = figures[outcome];
      return latency === undefined ? [] : [{ region, outcome, latency }];
    }),
  );
}

export function judgedBy({ plan, promise, users, signal, troubles }: Run): JudgedBy {
  return {
    plan,
    busiest: busiestBuckets(plan, users),
    troubles: [...(signal.aborted ? ['the run was interrupted'] : []), ...troubles],
    ...(promise && { promise }),
  };
}

/** Holds what was recorded against the claims of the plan and the bound that its strategy declares. */
export function judgeRun({ plan, promise, busiest, troubles }: JudgedBy, history: History): Examination {
  return examineHistory(history, {
    busiest,
    troubles: [...troubles, ...silences(plan.load.rampMs, history)],
    claims: plan.claims.map(parseClaim),
    boundOf: (policy, episodes) => boundOf(plan.strategy, policy, episodes, failurePolicyOf(plan)),
    falseDenialsAtMost: falseDenialsOf(plan.strategy),
    ...(promise && { promise }),
  });
}

/** Of a run whose judging was interrupted: what was counted, and no claim is judged. `frame` is without operations. */
export function unjudgedRun({ plan, promise, busiest, troubles }: JudgedBy, frame: History): CheckReport {
  const [file] = frame.files;
  const reason = `the run was interrupted while it was judged: check ${file?.name} judges what it recorded`;
  const report = checkHistory(frame, {
    busiest,
    troubles: [reason, ...troubles],
    ...(promise && { promise }),
  });
  const claims = plan.claims.map(parseClaim).map(
    ({ text, measure, unit, limit }): ClaimResult => ({
      ...{ claim: text, kind: MEASURES[measure].kind, unit },
      ...{ status: 'unknown', verdict: 'unknown', measured: null },
      limit: unit === 'bound' || !Number.isFinite(limit) ? null : limit,
      reason: `${text}: not judged`,
    }),
  );
  return { ...report, claims, verdict: 'unknown' };
}

/** Regions that fell silent while the load went on, as sentences. */
function silences(rampMs: number, { operations, faults, events }: History): string[] {
  const firstUs = operations.invokedUs.reduce((first, us) => Math.min(first, us), Number.POSITIVE_INFINITY);
  return silentRegions(activityOf(operations, firstUs + 1_000 * rampMs), { faults, events }).map(silenceText);
}
