import { given } from '../core/given.ts';
import { formatPromise } from '../core/promise.ts';
import { type Verdict, worst } from '../core/verdict.ts';
import type { OperationTable } from '../history/columns/table.ts';
import type { History } from '../history/history.ts';
import {
  AGE_EVENT,
  type Event,
  MOVE_EVENT,
  OUTSIDE_EVENT,
  PROBLEM_EVENT,
  RESET_EVENT,
  SERVER_EVENT,
} from '../history/records/operation.ts';
import { type BucketResult, type CheckerContext, hasWrongAnswers } from './bucket-result.ts';
import { Certificates } from './certificates/certificates.ts';
import type { CheckOptions } from './check-options.ts';
import type { Claim } from './claims/claim.ts';
import { chooseClaims } from './claims/default-claims.ts';
import { CONTRADICTED, type Judged, judge, LEFT, whyNothingIsJudged } from './claims/judge.ts';
import { assumedOfClock } from './clocks/grant.ts';
import { acquittedByWidth } from './doubts/widened.ts';
import { countContested } from './evidence/contested-facts.ts';
import type { CheckFacts } from './evidence/facts.ts';
import { floorFacts } from './evidence/floor.ts';
import { headroomFacts } from './evidence/headroom-facts.ts';
import { lateResetProblems } from './evidence/late-resets.ts';
import { recordedProblems } from './evidence/recorded-problems.ts';
import { makeSeen } from './evidence/seen.ts';
import { harmlessOutside, simulationFacts } from './evidence/simulation-facts.ts';
import { unprovedFaults } from './evidence/unproved-faults.ts';
import { listAssumptions } from './findings/assumptions.ts';
import { clockNotes } from './findings/clock-notes.ts';
import { AllFindings } from './findings/describe-all.ts';
import { diagnose } from './findings/diagnosis.ts';
import { otherPromise } from './findings/other-promise.ts';
import { assumedOfMachines, machineFacts } from './machines/machine-facts.ts';
import { isContradicted, type MappedParts, mapParts } from './machines/map-parts.ts';
import { type Prepared, prepare } from './prepare.ts';
import { type Coverage, NO_DENIAL } from './rows/coverage.ts';
import { type CheckerResults, checkBuckets } from './run-checkers.ts';
import { findLostDecisions } from './shards/lost-decisions.ts';
import { shardFacts } from './shards/shard-facts.ts';
import { assumedOfWindows, notJudged, whyDenialsAreNotJudged } from './windows/clock.ts';

/** The facts and the verdict on them. */
export interface CheckReport extends CheckFacts, Judged {
  readonly verdict: Verdict;
}

/** A judged history with the rows that have findings, for charts. */
export interface Examination {
  readonly report: CheckReport;
  /** Every bucket with a finding. */
  readonly withFindings: readonly BucketResult[];
  /** How much more the bucket that was nearest to an excess could have admitted, in tokens. */
  readonly leastHeadroom: number;
  /** What the buckets were judged by. */
  readonly context: CheckerContext;
  readonly certificates: Certificates;
  /** With the times by which it was judged: of a run in parts, on one axis. */
  readonly judged: History;
}

/** Judges a history against the token math of its policy, without access to the system that made it. */
export function checkHistory(history: History, options: CheckOptions): CheckReport {
  return examineHistory(history, options).report;
}

/** Like `checkHistory`, with the rows. */
export function examineHistory(recorded: History, options: CheckOptions): Examination {
  const machines = recorded.parts && mapParts(recorded, recorded.parts, options);
  const history = machines?.history ?? recorded;
  const { operations: table } = history;
  const prepared = prepare(history, options, machines);
  const { promise, context, readings, grant } = prepared;
  const isTimeless = machines !== undefined && isContradicted(machines);
  const remarks = options.remarks?.(isTimeless ? undefined : history) ?? { problems: [], notes: [] };
  const ofSimulation = simulationFacts(history);
  const whyNothing = isTimeless ? CONTRADICTED : ofSimulation.outside && LEFT;
  const certificates = new Certificates(recorded, { promise, options, judged: history, whyNothing });
  const seen = makeSeen(history, options);
  const results = checkBuckets(history, context, { certificates, seen });
  const { isWithinBound, ...found } = collectFindings(history, { options, prepared, results });
  const reasons = diagnose({
    ...{ history, found, readings, withFindings: results.withFindings, context },
    ...logOf(table, { options, results, context }),
  });
  const facts: CheckFacts = {
    ...ofSimulation,
    ...accountsOf(history, prepared),
    ...machineFacts(machines),
    troubles: [
      ...troublesOf(recorded, options),
      ...remarks.problems,
      ...lateResetProblems(table, results.counts.lateResets),
      ...widthProblems(history, context, { results, options }),
    ],
    buckets: table.bucketCount,
    contested: countContested(history, results.contested, options.busiest),
    ...seen?.facts(),
    ...headroomFacts(table, results.contested, {
      ...{ promise, slackUs: grant.slackUs },
      ...(machines && { recorded: recorded.operations }),
    }),
    assumptions: assumptionsOf(history, { options, prepared, results, machines }),
    ...found,
    proofs: certificates.count(results.withFindings, isWithinBound),
    ...(Object.keys(results.doubts).length > 0 && { doubts: results.doubts }),
    diagnosis: reasons.map(({ sentence }) => sentence),
    ...(reasons.length > 0 && { reasons }),
    shares: results.shares,
    ...floorFacts(history, context),
    ...notJudged(prepared.windows),
    ...rowsOf(results),
    faults: history.faults,
    events: reportedEvents(history),
  };
  const report = withVerdict(facts, chooseClaims(options, { ...prepared, facts, history }));
  const ofHistory = [
    ...results.notes,
    ...(report.verdict === 'pass' ? [] : otherPromise(history, { prepared, results, reasons, options })),
    ...clockNotes(table, facts.clock.steps),
    ...harmlessOutside(history),
  ];
  return {
    report: withNotes(report, [...ofHistory, ...(options.notes ?? []), ...remarks.notes]),
    withFindings: results.withFindings,
    leastHeadroom: results.leastHeadroom,
    context,
    certificates,
    judged: history,
  };
}

function withNotes(report: CheckReport, more: readonly string[]): CheckReport {
  const notes = [...(report.notes ?? []), ...more];
  return { ...report, ...(notes.length > 0 && { notes }) };
}

function rowsOf({ whole, phases, regions, cells }: CheckerResults) {
  return { whole, phases, regions, cells };
}

/** The books of the history. */
function accountsOf({ end, files, outcomes, errors, parts }: History, { sent, unaccounted }: Prepared) {
  return {
    sent,
    outcomes,
    errors,
    unaccounted,
    ended: end !== undefined,
    files,
    ...given({ sample: end?.sample, parts }),
  };
}

/** What the verdict assumes in addition to the history, as sentences. */
function assumptionsOf(
  history: History,
  {
    options,
    prepared,
    results,
    machines,
  }: {
    options: CheckOptions;
    prepared: Prepared;
    results: CheckerResults;
    machines?: MappedParts | undefined;
  },
): string[] {
  const { windows, grant, promise, coverage, context } = prepared;
  const isJudged = windows?.areDenialsJudged !== false;
  return [
    ...assumedOfClock({ ...prepared.ofClock, grant, promise, header: history.header }),
    ...(windows === undefined ? [] : assumedOfWindows(windows)),
    ...(machines === undefined ? [] : assumedOfMachines(machines.clocks)),
    ...listAssumptions(history, { options, coverage, results, isJudged, movesOf: context.movesOf }),
    ...(options.assumptions ?? []),
  ];
}

/** The findings of all checkers, in the order of the report. */
function collectFindings(
  history: History,
  { options, prepared, results }: { options: CheckOptions; prepared: Prepared; results: CheckerResults },
) {
  const { promise, coverage, shards, context } = prepared;
  const { withFindings } = results;
  const { clock } = context;
  const all = new AllFindings(history.operations, withFindings, context);
  const { shards: ofShards, isWithinBound } = shardFacts(history, {
    ...{ ...options, withFindings, clock },
    shards: shards(),
  });
  return {
    isWithinBound,
    promise: formatPromise(promise),
    overAdmission: all.overAdmission(),
    falseDenials: {
      ...all.falseDenials(context),
      ...countJudged(coverage, context, results),
      ...countCertain(withFindings),
      ...(options.falseDenialsAtMost === Number.POSITIVE_INFINITY && { declaresAny: true as const }),
    },
    clock,
    shards: ofShards,
    lostDecisions: findLostDecisions(history.operations, withFindings),
    replay: { ...all.replay(), replayed: results.counts.replayed },
    dishonest: all.dishonest(context),
    windows: all.windows(context),
  };
}

/** What was found while the history was recorded. A run gives its problems, which its history has as well. */
function troublesOf({ events }: History, { problems = [] }: CheckOptions): string[] {
  return [...problems, ...recordedProblems(events, problems), ...unprovedFaults(events)];
}

/** For a foreign log without a finding: whether only the width of its intervals acquits the limiter. */
function widthProblems(
  history: History,
  context: CheckerContext,
  { results, options }: { results: CheckerResults; options: CheckOptions },
): readonly string[] {
  const hasExcess = results.withFindings.some(({ over, windows }) => over.drops.length + windows.length > 0);
  if (options.openAtEndMissing !== true || hasExcess) return [];
  const { clockSlack } = options;
  return acquittedByWidth(history, context, clockSlack?.isWidened === true ? clockSlack.us : 0);
}

function logOf(
  table: OperationTable,
  {
    options,
    results: { withFindings },
    context,
  }: { options: CheckOptions; results: CheckerResults; context: CheckerContext },
) {
  const withWrongAnswers = withFindings.filter(hasWrongAnswers);
  if (options.reading === undefined || withWrongAnswers.length === 0) return {};
  return { log: { table, reading: options.reading, withFindings: withWrongAnswers, context } };
}

/** Judges the facts by these claims. If clocks contradict each other, or a limiter left its simulation, nothing else counts. */
export function withVerdict(facts: CheckFacts, claims: readonly Claim[]): CheckReport {
  const judged = judge(facts, claims);
  const verdicts = [...judged.claims, ...judged.accounts].map(({ verdict }) => verdict);
  const isNothingJudged = whyNothingIsJudged(facts).length > 0;
  return { ...facts, ...judged, verdict: isNothingJudged ? 'unknown' : worst(verdicts) };
}

/** Events that the rows, the shards and the troubles already count. */
const COUNTED: ReadonlySet<string> = new Set([
  RESET_EVENT,
  'dropped',
  AGE_EVENT,
  MOVE_EVENT,
  OUTSIDE_EVENT,
  PROBLEM_EVENT,
  SERVER_EVENT,
]);

/** With their keys in one order, whether they were read from a file or held in memory. */
function reportedEvents({ events }: History): Event[] {
  const ordered = ({ type, event, atUs, latestUs: _, ...others }: Event) => ({
    type,
    event,
    atUs,
    ...others,
  });
  return events.filter(({ event }) => !COUNTED.has(event)).map(ordered);
}

function countJudged(
  { judged, byFailurePolicy, reason }: Coverage,
  { windows }: CheckerContext,
  { counts: { excused, unexplained } }: CheckerResults,
) {
  if (windows?.areDenialsJudged === false) return { judged: 0, whyNot: whyDenialsAreNotJudged(windows) };
  return {
    judged,
    whyNot: judged === 0 && reason === '' ? NO_DENIAL : reason,
    ...(excused > 0 && { refutable: judged - excused }),
    ...(unexplained > 0 && { unexplained }),
    ...(byFailurePolicy > 0 && { byFailurePolicy }),
  };
}

function countCertain(withFindings: readonly BucketResult[]) {
  if (withFindings.every(({ certainDenials }) => certainDenials === undefined)) return {};
  return {
    certain: withFindings.reduce(
      (sum, { certainDenials, denials }) => sum + (certainDenials ?? denials.length),
      0,
    ),
  };
}
