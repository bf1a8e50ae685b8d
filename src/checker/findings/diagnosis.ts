import { rounded } from '../../core/units.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import type { BucketResult } from '../bucket-result.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import type { LostDecisions } from '../shards/lost-decisions.ts';
import { gainsWithin } from './clock-gain.ts';
import { type LogWithFindings, misreadSentences } from './misread.ts';
import { secondSteps } from './whole-seconds.ts';

type Found = Pick<
  CheckFacts,
  'promise' | 'overAdmission' | 'falseDenials' | 'clock' | 'shards' | 'lostDecisions'
>;

/** A cause of errors that a history can show. */
export interface Cause {
  readonly name: string;
  /** A sentence for each time it applies. */
  sentences(examined: Examined): readonly string[];
}

export interface Examined {
  readonly history: History;
  readonly found: Found;
  readonly readings: readonly ClockReading[];
  /** Every bucket with a finding. */
  readonly withFindings: readonly BucketResult[];
  /** A log in a foreign format with a finding. */
  readonly log?: LogWithFindings;
}

/** Every cause, the most severe first. */
const CAUSES: readonly Cause[] = [
  { name: 'misread log', sentences: ({ log }) => (log === undefined ? [] : misreadSentences(log)) },
  { name: 'lost decisions', sentences: ({ found }) => found.lostDecisions.map(lostSentence) },
  { name: 'empty restart', sentences: ofOverAdmission(emptySentences) },
  { name: 'clock step', sentences: ofOverAdmission(gainSentences) },
  {
    name: 'regions apart',
    sentences: (examined) => apartSentence(examined.history.operations, findWorstSpan(examined)),
  },
  {
    name: 'whole seconds',
    sentences: ({ history, found, readings }) =>
      found.promise === 'token-bucket' ? secondsSentence(history, found, readings) : [], // a window refills at once
  },
];

function ofOverAdmission(sentences: Cause['sentences']): Cause['sentences'] {
  return (examined) => (examined.found.overAdmission.buckets === 0 ? [] : sentences(examined));
}

/**
 * The causes of the findings as sentences, the most severe first. They follow from the history alone; the strategy is not
 * considered. Empty without findings or without a known cause.
 */
export function diagnose(examined: Examined): string[] {
  const { log, found, withFindings } = examined;
  const hasFindings =
    found.overAdmission.buckets > 0 ||
    found.falseDenials.total > 0 ||
    withFindings.some(({ windows }) => windows.length > 0) ||
    log !== undefined;
  if (!hasFindings) return [];
  return CAUSES.flatMap((cause) => cause.sentences(examined));
}

function lostSentence({ from, to, atUs, decisions, tokens, buckets }: LostDecisions): string {
  return (
    `${to} became primary without ${decisions} or more decisions that ${from} had acknowledged (noticed at ${seconds(atUs)} s): ` +
    `${rounded(tokens, 3)} tokens in ${buckets.length}${buckets.length === 100 ? ' or more' : ''} ${buckets.length === 1 ? 'bucket' : 'buckets'} could be spent again`
  );
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

/** A span of one bucket with more tokens than its allowance. */
interface Span {
  readonly bucket: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly allowance: number;
}

/** The worst span under the promise; undefined if the start of windows is unknown. */
function findWorstSpan({ history: { operations }, found, withFindings }: Examined): Span | undefined {
  const { worst } = found.overAdmission;
  if (found.promise === 'token-bucket') return worst && { bucket: worst.bucket, ...worst.window };
  const [most] = withFindings.toSorted((a, b) => b.windows.mostTokens - a.windows.mostTokens);
  const window = most?.windows.worst;
  if (most === undefined || window === undefined || window.pieces !== undefined) return undefined;
  const { startUs, endUs, allowance } = window;
  return { bucket: operations.nameOf(most.bucket), startUs, endUs, allowance };
}

/** Each region admits about one whole bucket in one window: they do not share the bucket. */
function apartSentence(table: OperationTable, span: Span | undefined): string[] {
  if (span === undefined) return [];
  const { bucket, allowance } = span;
  const amounts = [...admittedByRegion(table, span)].sort(([, a], [, b]) => b - a);
  const [first, second] = amounts;
  if (first === undefined || second === undefined) return [];
  if (first[1] > allowance || second[1] < APART * allowance) return [];
  const each = amounts.map(([region, tokens]) => `${tokens} in ${region}`).join(', ');
  return [
    `each region keeps the limit, but together they exceed it: ${bucket} admitted ${each} in one window that allows ${rounded(allowance, 3)}`,
  ];
}

/** The least share of a window's allowance that the second region admits. A shared bucket that leaks gives each a part. */
const APART = 0.8;

function admittedByRegion(table: OperationTable, { bucket, startUs, endUs }: Span): Map<string, number> {
  const { starts, invokedUs, kinds, costTokens, bucketCount } = table;
  const amounts = new Map<string, number>();
  let number = 0;
  while (number < bucketCount && table.nameOf(number) !== bucket) number++;
  for (let row = starts[number] as number; row < (starts[number + 1] as number); row++) {
    const isAllowed = ((kinds[row] as number) & KIND.outcome) === KIND.allowed;
    const isInside = (invokedUs[row] as number) >= startUs && table.lastUs(row) <= endUs;
    if (!isAllowed || !isInside) continue;
    const region = table.regionOf(row);
    amounts.set(region, (amounts.get(region) ?? 0) + (costTokens[row] as number));
  }
  return amounts;
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
  const sharpest = readings.reduce<ClockReading | undefined>(
    (best, next) => (best === undefined || next.errorUs < best.errorUs ? next : best),
    undefined,
  );
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
