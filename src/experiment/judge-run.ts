import { type CheckReport, type Examination, examineHistory } from '../checker/check.ts';
import { parseClaim } from '../checker/claim.ts';
import { activityOf, silenceText, silentRegions } from '../checker/silent-regions.ts';
import type { History } from '../history/history.ts';
import { OUTCOMES } from '../history/operation.ts';
import { boundOf, falseDenialsOf } from '../limiter/bounds.ts';
import { failurePolicyOf } from './failure-policy-of.ts';
import { busiestBuckets } from './plan-file.ts';
import type { Run } from './run-context.ts';

/** What each region waited for each outcome, as the checker has it: there are no other figures beside. */
export function latenciesOf({ regions }: CheckReport) {
  return regions.flatMap(({ name: region, latency: figures }) =>
    OUTCOMES.flatMap((outcome) => {
      const latency = figures[outcome];
      return latency === undefined ? [] : [{ region, outcome, latency }];
    }),
  );
}

/** Holds what was recorded against the claims of the plan and the bound that its strategy declares. */
export function judgeRun({ plan, promise, users, signal, troubles }: Run, history: History): Examination {
  return examineHistory(history, {
    busiest: busiestBuckets(plan, users),
    troubles: [
      ...(signal.aborted ? ['the run was interrupted'] : []),
      ...troubles,
      ...silences(plan.load.rampMs, history),
    ],
    claims: plan.claims.map(parseClaim),
    boundOf: (policy, episodes) => boundOf(plan.strategy, policy, episodes, failurePolicyOf(plan)),
    falseDenialsAtMost: falseDenialsOf(plan.strategy),
    ...(promise && { promise }),
  });
}

/** Regions that fell silent while the load went on, as sentences. */
function silences(rampMs: number, { operations, faults }: History): string[] {
  const firstUs = operations.invokedUs.reduce((first, us) => Math.min(first, us), Number.POSITIVE_INFINITY);
  return silentRegions(activityOf(operations, firstUs + 1_000 * rampMs), faults).map(silenceText);
}
