import { type Verdict, worst } from '../core/verdict.ts';
import { AGE_EVENT } from '../history/age-event.ts';
import type { History } from '../history/history.ts';
import type { OperationTable } from '../history/table.ts';
import { assumptionsOf } from './assumptions.ts';
import type { BucketResult, PassRules } from './bucket-result.ts';
import type { Claim } from './claim.ts';
import { boundClock, boundOffsets, type ClockBounds, joinReadings, largestStepBackUs } from './clock.ts';
import { assumedOfClock, grantOf } from './clock-grant.ts';
import { AllFindings } from './describe-all.ts';
import { diagnose } from './diagnosis.ts';
import type { CheckFacts } from './facts.ts';
import { headroomFacts } from './headroom-facts.ts';
import { type Horizon, horizonOf, NO_DENIAL } from './horizon.ts';
import { type Judged, judge } from './judge.ts';
import type { Known } from './known.ts';
import { findLostDecisions } from './lost-decisions.ts';
import { checkBuckets, type PassResult } from './pass.ts';
import { formatPromise, type Promised } from './promise.ts';
import { claimsOf, type EvidenceRules } from './rules.ts';
import { shardFacts } from './shard-facts.ts';
import { isOpenAtEnd, unrecordedOf } from './unrecorded.ts';
import { acquittedByWidth } from './widened.ts';
import { assumedOfWindows, judgesDenials, whyDenialsAreNotJudged, windowClockOf } from './window-clock.ts';

/** The facts, what they mean, and why. */
export interface CheckReport extends CheckFacts, Judged {
  readonly verdict: Verdict;
}

/** A judged history, with the rows of its table that the judgement is about: what a picture of it is drawn from. */
export interface Examination {
  readonly report: CheckReport;
  /** Every bucket against which there is something. */
  readonly guilty: readonly BucketResult[];
  readonly known: Known;
}

/** Judges a history against the token math of its policy. It never sees the system that made it. */
export function checkHistory(history: History, rules: EvidenceRules): CheckReport {
  return examineHistory(history, rules).report;
}

/** The same, with the rows. */
export function examineHistory(history: History, rules: EvidenceRules): Examination {
  const { operations: table, outcomes, files } = history;
  const promise = rules.promise ?? { type: 'token-bucket' };
  const horizon = horizonOf(history, isOpenAtEnd(history, rules));
  const dates = history.clock.filter(({ source }) => source === 'date');
  const read = history.clock.filter(({ source }) => source === undefined);
  const readings = joinReadings(read, history.decisionClock);
  const ofClock = { isRead: readings.length > 0, typed: rules.clockSlack };
  const grant = grantOf(history.header, ofClock);
  const clock = withEarlierSteps(boundClock(readings, horizon.span, grant), history);
  const stepBackUs = readings.length === 0 ? Number.POSITIVE_INFINITY : largestStepBackUs(clock);
  const windows = windowRules(history, promise, { ...ofClock, clock, grant, horizon, readings, dates });
  const recorded = outcomes.allowed + outcomes.denied + outcomes.failed + outcomes.info;
  const sent = history.end?.sent ?? recorded;
  const unrecorded = unrecordedOf(history, { rules, horizon, unaccounted: sent - recorded });
  const known = { ...knownOf(history, horizon), stepBackUs };
  const passing: PassRules = { clock, known, unrecorded, ...windows };
  const pass = checkBuckets(history, passing);
  const all = new AllFindings(table, pass.guilty, clock);
  let offsets: ReturnType<typeof boundOffsets> | undefined;
  const found = {
    promise: formatPromise(promise),
    overAdmission: all.overAdmission(),
    falseDenials: {
      ...all.falseDenials(passing),
      ...judgedOf(horizon, passing, pass),
      ...certainOf(pass.guilty),
      ...(rules.falseDenialsAtMost === Number.POSITIVE_INFINITY && { declaresAny: true as const }),
    },
    clock,
    shards: shardFacts(history, {
      ...rules,
      guilty: pass.guilty,
      clock,
      offsets: () => (offsets ??= boundOffsets(readings)),
    }),
    lostDecisions: findLostDecisions(table, pass.guilty),
  };
  const facts: CheckFacts = {
    sent,
    outcomes,
    errors: history.errors,
    unaccounted: sent - recorded,
    ended: history.end !== undefined,
    files,
    troubles: [...(rules.troubles ?? []), ...widthTroubles(history, passing, { pass, rules })],
    buckets: table.bucketCount,
    contested: countContested(table, pass.contested, rules.busiest),
    ...headroomFacts(table, pass.contested, { promise, slackUs: grant.slackUs }),
    assumptions: [
      ...assumedOfClock({ ...ofClock, grant, promise, header: history.header }),
      ...(passing.windows === undefined ? [] : assumedOfWindows(passing.windows)),
      ...assumptionsOf(history, {
        rules,
        horizon,
        pass,
        isJudged: windows.windows?.areDenialsJudged !== false,
      }),
      ...(rules.assumptions ?? []),
    ],
    ...found,
    ...(Object.keys(pass.doubts).length > 0 && { doubts: pass.doubts }),
    diagnosis: [
      ...diagnose({
        history,
        found,
        readings,
        guilty: pass.guilty,
        ...logOf(table, { rules, pass, passing }),
      }),
      ...pass.notes,
    ],
    replay: { ...all.replay(), replayed: pass.replayed },
    windows: all.windows(formatPromise(promise)),
    whole: pass.whole,
    phases: pass.phases,
    regions: pass.regions,
    cells: pass.cells,
    faults: history.faults,
    events: history.events.filter(({ event }) => !COUNTED.has(event)),
  };
  const report = withVerdict(facts, claimsOf(rules, { isOpen: facts.whole.arrivals > 0 }));
  const notes = [...(report.notes ?? []), ...(rules.notes ?? [])];
  return {
    report: { ...report, ...(notes.length > 0 && { notes }) },
    guilty: pass.guilty,
    known: passing.known,
  };
}

/** Of a log that others wrote: whether only the width of its intervals acquits it. */
function widthTroubles(
  history: History,
  passing: PassRules,
  { pass, rules }: { pass: PassResult; rules: EvidenceRules },
): readonly string[] {
  const isGuilty = pass.guilty.some(({ over, windows }) => over.drops.length + windows.length > 0);
  if (rules.openAtEndMissing !== true || isGuilty) return [];
  const { clockSlack } = rules;
  return acquittedByWidth(history, passing, clockSlack?.isWidened === true ? clockSlack.us : 0);
}

function logOf(
  table: OperationTable,
  { rules, pass: { guilty }, passing }: { rules: EvidenceRules; pass: PassResult; passing: PassRules },
) {
  if (rules.reading === undefined || guilty.length === 0) return {};
  return { log: { table, reading: rules.reading, guilty, rules: passing } };
}

/**
 * A clock that stepped back before the history began, or a failover to one that was behind, is in no reading of it. A
 * bucket that had been written before waits until its clock has caught up, and its decisions say by how much it is ahead.
 */
function withEarlierSteps(clock: ClockBounds, { header, bucketsAheadUs }: History): ClockBounds {
  if (header.initial === 'full') return clock;
  return { ...clock, backwardUs: Math.max(clock.backwardUs, bucketsAheadUs) };
}

/** Judges what was found by these claims. */
export function withVerdict(facts: CheckFacts, claims: readonly Claim[]): CheckReport {
  const judged = judge(facts, claims);
  const verdicts = [...judged.claims, ...judged.accounts].map(({ verdict }) => verdict);
  return { ...facts, ...judged, verdict: worst(verdicts) };
}

/** What is in the rows and the shards already. */
const COUNTED: ReadonlySet<string> = new Set(['reset', 'dropped', AGE_EVENT]);

function knownOf({ header }: History, { knownFromUs, judgedFromUs, judgedUntilUs }: Horizon) {
  return { initial: header.initial, knownFromUs, judgedFromUs, judgedUntilUs };
}

function windowRules(
  history: History,
  promise: Promised,
  known: Parameters<typeof windowClockOf>[1],
): Pick<PassRules, 'windows'> {
  if (promise.type === 'token-bucket') return {};
  const windows = { promise, clock: windowClockOf(history, known) };
  return { windows: { ...windows, areDenialsJudged: judgesDenials(windows) } };
}

function judgedOf(
  { judged, byFailurePolicy, whyNot }: Horizon,
  { windows }: PassRules,
  { excused }: PassResult,
) {
  if (windows?.areDenialsJudged === false) return { judged: 0, whyNot: whyDenialsAreNotJudged(windows) };
  return {
    judged,
    whyNot: judged === 0 && whyNot === '' ? NO_DENIAL : whyNot,
    ...(excused > 0 && { refutable: judged - excused }),
    ...(byFailurePolicy > 0 && { byFailurePolicy }),
  };
}

function certainOf(guilty: readonly BucketResult[]) {
  if (guilty.every(({ certainDenials }) => certainDenials === undefined)) return {};
  return {
    certain: guilty.reduce((sum, { certainDenials, denials }) => sum + (certainDenials ?? denials.length), 0),
  };
}

function countContested(
  table: OperationTable,
  contested: ReadonlyMap<number, number>,
  busiest: readonly string[],
): CheckFacts['contested'] {
  const names = new Set(
    busiest.length === 0 ? [] : [...contested.keys()].map((bucket) => table.nameOf(bucket)),
  );
  return {
    buckets: contested.size,
    busiest: busiest.filter((bucket) => names.has(bucket)).length,
    ofBusiest: busiest.length,
  };
}
