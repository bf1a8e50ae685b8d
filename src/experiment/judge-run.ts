import { type CheckReport, checkHistory, type Examination, examineHistory } from '../checker/check.ts';
import { parseClaim } from '../checker/claims/claim.ts';
import { MEASURES } from '../checker/claims/claim-list.ts';
import type { ClaimResult } from '../checker/claims/evaluate.ts';
import { countActivity, silenceText, silentRegions } from '../checker/evidence/silent-regions.ts';
import { given } from '../core/given.ts';
import { traitsOf } from '../core/strategies.ts';
import type { History } from '../history/history.ts';
import { OUTCOMES } from '../history/records/operation.ts';
import { boundOf, falseDenialsOf, statedOf } from '../limiter/strategies/bounds.ts';
import { plannedOf } from '../scenario/planned.ts';
import { busiestBuckets, failurePolicyOf } from './plan-file.ts';
import { homesNote, leftOut, machinesNote, notProved, planNotes } from './plan-notes.ts';
import { pluginNotes } from './plugin-notes.ts';
import { problemsOf } from './record-problems.ts';
import type { JudgedBy, Run } from './run-context.ts';

/** The checker's latencies for each region and outcome. */
export function latenciesOf({ regions }: CheckReport) {
  return regions.flatMap(({ name: region, latency: figures }) =>
    OUTCOMES.flatMap((outcome) => {
      const latency = figures[outcome];
      return latency === undefined ? [] : [{ region, outcome, latency }];
    }),
  );
}

export function judgedBy(run: Pick<Run, 'plan' | 'promise' | 'users' | 'signal' | 'problems'>): JudgedBy {
  const { plan, promise, users } = run;
  return {
    plan,
    busiest: busiestBuckets(plan, users),
    problems: problemsOf(run),
    ...(promise && { promise }),
  };
}

/** Checks a recorded run against the claims of the plan and the bound that its strategy declares. */
export function judgeRun(
  { plan, promise, busiest, problems, pluginLogs }: JudgedBy,
  history: History,
): Examination {
  const declaresStated = statedOf(plan.strategy);
  return examineHistory(history, {
    busiest,
    problems,
    planned: plannedOf(plan, promise),
    claims: plan.claims.map(parseClaim),
    boundOf: (policy, episodes, admissions) => {
      if (hasSeveralBuckets(plan)) return undefined;
      return boundOf(plan.strategy, policy, episodes, failurePolicyOf(plan), admissions);
    },
    ...given({ instances: plan.instances }),
    falseDenialsAtMost: falseDenialsOf(plan.strategy),
    ...(declaresStated && { declaresStated }),
    remarks: (judged) => ({
      problems: judged === undefined ? [] : silences(plan.load.rampMs, judged),
      notes: [
        ...homesNote(plan),
        ...machinesNote(history),
        ...(judged === undefined ? leftOut(plan) : planNotes(plan, judged)),
        ...notProved(plan),
        ...pluginNotes(plan, history, pluginLogs),
      ],
    }),
    ...(promise && { promise }),
  });
}

/** Whether each region has a Redis of its own, which the strategy does not know: then it declares nothing. */
function hasSeveralBuckets({ topology, strategy }: JudgedBy['plan']): boolean {
  return topology.apart === true && !traitsOf(strategy).perRegionBucket;
}

/** The report of a run whose check was interrupted: counts only, no claim is judged. `frame` has no operations. */
export function unjudgedRun({ plan, promise, busiest, problems }: JudgedBy, frame: History): CheckReport {
  const names = frame.files.map(({ name }) => name);
  const reason = `the check of the run was interrupted; check its records with: openclaw-rl check ${names.join(' ')}`;
  const report = checkHistory(frame, {
    busiest,
    problems: [reason, ...problems],
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

/** A sentence for each region that stopped answering during the load. A part that is missing says nothing. */
function silences(rampMs: number, { operations, faults, events, parts }: History): string[] {
  if (parts?.isWhole === false) return [];
  const firstUs = operations.invokedUs.reduce((first, us) => Math.min(first, us), Number.POSITIVE_INFINITY);
  return silentRegions(countActivity(operations, firstUs + 1_000 * rampMs), { faults, events }).map(
    silenceText,
  );
}
