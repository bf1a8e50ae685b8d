import { rounded } from '../../core/units.ts';
import type { History } from '../../history/history.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import type { BucketResult, CheckerContext } from '../bucket-result.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import { isServiceRestart } from '../evidence/service-restarts.ts';
import { isDate } from '../windows/clock.ts';
import { isByTurns } from './by-turns.ts';
import { gainsWithin } from './clock-gain.ts';
import { instancesApartSentences } from './instances-apart.ts';
import { lostSentence } from './lost-sentence.ts';
import { type LogWithFindings, misreadSentences } from './misread.ts';
import { partialCharges } from './partial-charges.ts';
import { onlyReason, type Reason, shownReason, timeReason } from './reasons/reasons.ts';
import { Trial } from './reasons/trial.ts';
import { apartSentences } from './regions-apart.ts';
import { secondSteps } from './whole-seconds.ts';

type Found = Pick<
  CheckFacts,
  'promise' | 'overAdmission' | 'falseDenials' | 'clock' | 'shards' | 'lostDecisions'
>;

export interface Examined {
  readonly history: History;
  readonly found: Found;
  readonly readings: readonly ClockReading[];
  /** Every bucket with a finding. */
  readonly withFindings: readonly BucketResult[];
  readonly context: CheckerContext;
  /** A log in a foreign format with a finding. */
  readonly log?: LogWithFindings;
}

type Sentences = (examined: Examined) => readonly string[];

/** What was done to the system, or to the log: no other cause is sought. */
const EVENTS: Readonly<Record<string, Sentences>> = {
  misread: ({ log }) => (log === undefined ? [] : misreadSentences(log)),
  'lost-decisions': ({ history, found }) =>
    found.lostDecisions
      .filter((lost) => !isByTurns(history.operations, lost))
      .map((lost) => lostSentence(lost, history.events)),
  'empty-restart': ofOverAdmission(emptySentences),
  'clock-step': ofOverAdmission(gainSentences),
};

const HABITS: Readonly<Record<string, Sentences>> = {
  'partial-charges': partialSentence,
  'regions-apart': apartSentences,
  'instances-apart': instancesApartSentences,
  'whole-seconds': ({ history, found, readings }) =>
    found.promise === 'token-bucket' ? secondsSentence(history, found, readings) : [], // a window refills at once
};

function ofOverAdmission(sentences: Sentences): Sentences {
  return (examined) => (examined.found.overAdmission.buckets === 0 ? [] : sentences(examined));
}

/**
 * The likely causes of the findings, the most severe first. They follow from the history alone; the strategy is not
 * considered. Empty without findings or without a known cause.
 */
export function diagnose(examined: Examined): Reason[] {
  const { log, found, withFindings } = examined;
  const hasFindings =
    found.overAdmission.buckets > 0 ||
    found.falseDenials.total > 0 ||
    withFindings.some(({ windows, replay }) => windows.length + replay.findings.length > 0) ||
    log !== undefined;
  if (!hasFindings) return [];
  const events = sentencesOf(EVENTS, examined);
  if (events.some(({ reason }) => reason === 'misread')) return [...events, ...sentencesOf(HABITS, examined)];
  const trial = Trial.of(examined.history.operations, withFindings, examined.context);
  const isJudged = found.falseDenials.declaresAny !== true && trial.isPlain;
  const isTried = isJudged && found.promise === 'token-bucket';
  const shown = isTried && events.length === 0 ? shownReason(trial) : [];
  if (shown.length > 0) return shown;
  const isLost = events.some(({ reason }) => reason === 'lost-decisions');
  const habits = sentencesOf(HABITS, examined).filter(({ reason }) => !isLost || !reason.endsWith('-apart'));
  const known = [...events, ...habits];
  // What a service forgot when it was restarted looks like many other defects.
  const isForgotten = examined.history.faults.some(isServiceRestart);
  if (known.length > 0 || !isJudged || isForgotten) return known;
  const only = isTried ? onlyReason(trial) : [];
  return only.length > 0 ? only : timeReason(trial, timeOfDay(examined));
}

/** The limiter's time of day minus that of the history, by the sharpest reading, else as far as dates say it. */
function timeOfDay({ history: { header, operations }, readings }: Examined): number | undefined {
  const sharpest = sharpestOf(readings);
  if (sharpest !== undefined) return sharpest.serverUs - sharpest.atUs;
  return header.clocks !== 'apart' && isDate(operations.invokedUs[0] ?? 0) ? 0 : undefined;
}

function sharpestOf(readings: readonly ClockReading[]): ClockReading | undefined {
  return readings.reduce<ClockReading | undefined>(
    (best, next) => (best === undefined || next.errorUs < best.errorUs ? next : best),
    undefined,
  );
}

function sentencesOf(causes: Readonly<Record<string, Sentences>>, examined: Examined): Reason[] {
  return Object.entries(causes).flatMap(([reason, sentences]) =>
    sentences(examined).map((sentence) => ({ reason, sentence })),
  );
}

function partialSentence({ history, withFindings }: Examined): string[] {
  const partial = partialCharges(history.operations, withFindings);
  if (partial === undefined) return [];
  const { policy, explained, falseDenials } = partial;
  return [
    `policy ${policy} is charged by requests that another policy denied, so not all or none: that explains ${explained} of the ${falseDenials} false denials`,
  ];
}

function emptySentences({ history: { events }, found: { shards } }: Examined): string[] {
  const isForgetful = shards.some(({ emptyRestarts }) => emptyRestarts > 0);
  const empty = events.filter(({ event, args }) => event === 'restart' && args?.empty === true);
  if (!isForgetful) return [];
  return empty.map(
    ({ node, atUs }) =>
      `${node ?? 'a primary'} came back empty at ${seconds(atUs)} s: every bucket it held was full again`,
  );
}

function gainSentences({ history, found: { clock, overAdmission }, readings }: Examined): string[] {
  const { worst } = overAdmission;
  const gains = worst === undefined ? [] : gainsWithin(history.operations, { worst, clock, readings });
  return gains.map(
    ({ node, atUs, byUs }) =>
      `the clock of ${node} stepped ahead by ${seconds(byUs)} s at ${seconds(atUs)} s: its buckets gained that much refill at once`,
  );
}

/**
 * Chosen from real histories, also with 0.4 s of latency: refill by whole seconds gave 99% or more, continuous refill at
 * most 61%, where an even spread would have given 55%.
 */
const STEPS = { admissions: 100, share: 0.9, aboveEven: 0.25, spanUs: 3_000_000 };

function secondsSentence(
  { operations }: History,
  { overAdmission, falseDenials }: Found,
  readings: readonly ClockReading[],
): string[] {
  const sharpest = sharpestOf(readings);
  const steps = secondSteps(operations, sharpest === undefined ? 0 : sharpest.serverUs - sharpest.atUs);
  const { admissions, spanUs, share, evenShare, fromUs } = steps;
  if (spanUs < STEPS.spanUs) return []; // within fewer seconds all admissions are close together anyway
  if (admissions < STEPS.admissions || share < Math.max(STEPS.share, evenShare + STEPS.aboveEven)) return [];
  const fifth =
    sharpest === undefined
      ? 'the same fifth of every second'
      : `the fifth of a second that begins ${seconds(fromUs)} s after a whole second of the servers' clock`;
  const { worst } = overAdmission;
  const consequences = [
    worst === undefined
      ? ''
      : `a bucket gains the refill of a whole second when only a part of it has passed (${rounded(worst.worstWindow, 3)} tokens too many in the worst window)`,
    falseDenials.total === 0
      ? ''
      : `users are denied until a second ends although tokens are due (${falseDenials.total} false denials)`,
  ];
  return [
    `tokens come in whole-second steps: ${percent(share)} of ${admissions} admissions to drained buckets can fit into ${fifth}, ` +
      `where ${percent(evenShare)} could if tokens came evenly; so ${consequences.filter((text) => text !== '').join(', and ')}`,
  ];
}

function seconds(us: number): string {
  return String(Math.round(us / 1_000) / 1_000);
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}
