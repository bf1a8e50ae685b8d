import type { History } from '../history/history.ts';
import type { ClockReading } from '../history/operation.ts';
import type { CheckFacts } from './facts.ts';
import type { LostDecisions } from './lost-decisions.ts';
import { secondSteps } from './whole-seconds.ts';

type Found = Pick<CheckFacts, 'overAdmission' | 'falseDenials' | 'clock' | 'shards' | 'lostDecisions'>;

/**
 * What is wrong, in sentences that the history alone supports, the gravest first: it is not looked at which strategy
 * decided. Empty when nothing is wrong, and when nothing here explains it.
 */
export function diagnose(history: History, found: Found, readings: readonly ClockReading[]): string[] {
  if (found.overAdmission.buckets === 0 && found.falseDenials.total === 0) return [];
  return [
    ...found.lostDecisions.map(lostSentence),
    ...(found.overAdmission.buckets === 0 ? [] : overAdmissionSentences(history, found)),
    ...secondsSentence(history, found, readings),
  ];
}

function lostSentence({ from, to, atUs, decisions, tokens, buckets }: LostDecisions): string {
  const many = `at least ${decisions} ${decisions === 1 ? 'decision' : 'decisions'} acknowledged by ${from}`;
  return (
    `${many} ${decisions === 1 ? 'is' : 'are'} missing from ${to} after its takeover, seen at ${seconds(atUs)} s: ` +
    `${shown(tokens)} tokens in ${buckets.length}${buckets.length === 100 ? ' or more' : ''} ${buckets.length === 1 ? 'bucket' : 'buckets'} could be spent again`
  );
}

function overAdmissionSentences({ events }: History, { clock, shards, overAdmission }: Found): string[] {
  const empty = events.filter(({ event, args }) => event === 'restart' && args?.empty === true);
  const forgetful = shards.reduce((sum, { emptyRestarts }) => sum + emptyRestarts, 0) > 0;
  const forward = clock.steps.filter(({ byUs }) => byUs > 0);
  return [
    ...(forgetful
      ? empty.map(
          ({ node, atUs }) =>
            `${node ?? 'a primary'} came back empty at ${seconds(atUs)} s: every bucket it held was full again`,
        )
      : []),
    ...forward.map(
      ({ node, atUs, byUs }) =>
        `the clock of ${node} stepped ahead by ${seconds(byUs)} s at ${seconds(atUs)} s: its buckets gained that much refill at once`,
    ),
    ...apartSentence(overAdmission.worst),
  ];
}

/** Regions that each keep the limit and break it together know nothing of each other. */
function apartSentence(worst: CheckFacts['overAdmission']['worst']): string[] {
  if (worst === undefined) return [];
  const byRegion = new Map<string, number>();
  for (const { region, cost } of worst.witness) byRegion.set(region, (byRegion.get(region) ?? 0) + cost);
  const amounts = [...byRegion].sort(([, a], [, b]) => b - a);
  const [first, second] = amounts;
  const sum = amounts.reduce((total, [, tokens]) => total + tokens, 0);
  if (first === undefined || second === undefined) return [];
  const almostAll = APART * (sum / 2);
  if (first[1] > worst.window.allowance || second[1] < almostAll) return [];
  const each = amounts.map(([region, tokens]) => `${region} ${tokens}`).join(', ');
  return [
    `regions that each keep the limit break it together: of ${worst.bucket} ${each} tokens were admitted in one window that allows ${shown(worst.window.allowance)}`,
  ];
}

/** The second region admitted this share of an even half, at least. */
const APART = 0.8;

/** What real histories gave: 92% against 26% by whole seconds, 42% against 38% by a continuous refill. */
const STEPS = { admissions: 100, share: 0.8, aboveEven: 0.3 };

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
  if (
    steps.admissions < STEPS.admissions ||
    steps.share < Math.max(STEPS.share, steps.evenShare + STEPS.aboveEven)
  )
    return [];
  const moment =
    sharpest === undefined
      ? 'one same moment of a second'
      : `${seconds(steps.momentUs)} s past a whole second of the servers' clock`;
  const consequence = [
    ...(overAdmission.buckets === 0
      ? []
      : [
          `a bucket gains the refill of a whole second when only a part of it has passed (${shown(overAdmission.worst?.worstWindow ?? 0)} tokens too many in the worst window)`,
        ]),
    ...(falseDenials.total === 0
      ? []
      : [`users wait for a second to end while tokens are due (${falseDenials.total} false denials)`]),
  ];
  return [
    `tokens come in whole-second steps: ${percent(steps.share)} of ${steps.admissions} admissions to drained buckets can have been made at ${moment}, ` +
      `where ${percent(steps.evenShare)} could if tokens came evenly; so ${consequence.join(', and ')}`,
  ];
}

function seconds(us: number): string {
  return String(Math.round(us / 1_000) / 1_000);
}

function shown(tokens: number): number {
  return Math.round(tokens * 1_000) / 1_000;
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}
