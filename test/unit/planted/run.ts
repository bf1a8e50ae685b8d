import { makeRandom } from '../../../src/core/prng.ts';
import { HistoryBuilder } from '../../../src/history/columns/builder.ts';
import type { History } from '../../../src/history/history.ts';
import type { ClockReading, HistoryRecord, Operation } from '../../../src/history/records/operation.ts';
import { type Answer, EPOCH_US, type Limiter, type Specimen } from './limiter.ts';
import { type Attempt, type Circumstances, drawAttempts, drawCircumstances } from './workload.ts';

export interface Run {
  readonly circumstances: Circumstances;
  readonly records: readonly HistoryRecord[];
  readonly history: History;
}

/**
 * Runs a limiter under everything that the seed draws, in virtual time, and records its history. Without readings of its
 * clock, the history says only that it is another than the recorder's.
 */
export function runSpecimen(
  specimen: Specimen,
  seed: number,
  count: number,
  { areClocksRead = true }: { areClocksRead?: boolean } = {},
): Run {
  const random = makeRandom(seed, 'planted');
  const drawn = drawCircumstances(random, { failovers: specimen.failovers === true });
  const circumstances = specimen.needs?.(drawn) ?? drawn;
  const limiter = specimen.create({ ...circumstances, random: makeRandom(seed, 'limiter') });
  const attempts = drawAttempts(random, circumstances, count);
  const operations = decideAll(limiter, attempts, circumstances);
  const records = record(operations, circumstances, areClocksRead);
  return { circumstances, records, history: read(records) };
}

/** The limiter sees requests one at a time, in the order in which they reach it. */
function decideAll(limiter: Limiter, attempts: readonly Attempt[], circumstances: Circumstances) {
  const arrivals = attempts
    .flatMap((attempt) => [
      { attempt, atUs: attempt.decidedUs },
      ...(attempt.againUs === undefined ? [] : [{ attempt, atUs: attempt.againUs }]),
    ])
    .sort((a, b) => a.atUs - b.atUs);
  const answers = new Map<Attempt, Answer>();
  for (const { attempt, atUs } of arrivals) {
    if (attempt.lost === 'request') continue;
    answers.set(attempt, limiter.decide({ ...attempt, nowUs: serverUs(atUs, circumstances) }));
  }
  return attempts.map((attempt) => toOperation(attempt, answers.get(attempt), circumstances.hasLevels));
}

/** What the limiter's clock shows, without its epoch. */
function serverUs(atUs: number, { driftPpm }: Circumstances): number {
  return Math.floor(atUs * (1 + driftPpm / 1_000_000));
}

function toOperation(attempt: Attempt, answer: Answer | undefined, hasLevels: boolean): Operation {
  const { invokedUs, lost, decisionId, againUs, isLastKnown } = attempt;
  const decidedUs = againUs ?? attempt.decidedUs;
  const isAnswered = lost === 'nothing' && answer !== undefined && answer.outcome !== 'unknown';
  const completedUs = Math.max(attempt.completedUs, decidedUs + (answer?.heldUs ?? 0));
  const isDecisionShown = isAnswered && hasLevels && answer.evidence !== undefined && againUs === undefined;
  return {
    type: 'op',
    index: 0,
    bucket: `b${attempt.bucket}`,
    user: '',
    region: `r${attempt.region}`,
    instance: answer?.instance ?? String(1 + (invokedUs % 3)),
    process: 0,
    cost: attempt.costTokens,
    invokedUs,
    completedUs: isAnswered ? completedUs : null,
    outcome: isAnswered ? answer.outcome : 'info',
    ...(againUs === undefined ? {} : { maxCharge: 2 * attempt.costTokens }),
    ...(isLastKnown ? { latestUs: decidedUs } : {}),
    ...(decisionId === undefined ? {} : { decisionId: String(decisionId) }),
    ...(isAnswered && answer.stated !== undefined && { stated: answer.stated }),
    ...(isDecisionShown && answer.evidence !== undefined ? { decision: answer.evidence } : {}),
  };
}

/** A history that starts in mid-traffic leaves out what was over by then, and knows no initial level. */
function record(
  operations: readonly Operation[],
  circumstances: Circumstances,
  areClocksRead: boolean,
): HistoryRecord[] {
  const { policy, startShare } = circumstances;
  const overAt = ({ completedUs, latestUs }: Operation) =>
    completedUs ?? latestUs ?? Number.POSITIVE_INFINITY;
  const lastUs = operations.reduce((last, operation) => Math.max(last, operation.invokedUs), 0);
  const startUs = startShare === 0 ? Number.NEGATIVE_INFINITY : startShare * lastUs;
  const recorded = operations
    .filter((operation) => overAt(operation) >= startUs)
    .sort((a, b) => overAt(a) - overAt(b));
  return [
    {
      type: 'header',
      format: 'openclaw-history',
      version: 1,
      policy: { capacity: policy.capacityTokens, refill: policy.refill },
      strategy: 'simulated',
      scenario: 'planted',
      seed: 0,
      regions: [],
      startedAt: '',
      initial: startShare === 0 ? 'full' : 'unknown',
      ...(areClocksRead ? {} : { clocks: 'apart' }),
    },
    ...recorded.map((operation, index) => ({ ...operation, index })),
    ...(areClocksRead ? readClock(lastUs, circumstances) : []),
    { type: 'end', atUs: 0, sent: recorded.length },
  ];
}

function read(records: readonly HistoryRecord[]): History {
  const builder = new HistoryBuilder();
  builder.startFile('simulated');
  for (const record of records) builder.add(record);
  builder.endFile();
  return builder.build();
}

/** A hundred readings over the run, each a little off. */
function readClock(lastUs: number, circumstances: Circumstances): ClockReading[] {
  if (circumstances.driftPpm === 0) return [];
  return Array.from({ length: 101 }, (_, at) => {
    const atUs = Math.floor((lastUs * at) / 100);
    const offUs = (at % 7) - 3;
    return {
      type: 'clock',
      node: 'n',
      atUs,
      serverUs: EPOCH_US + serverUs(atUs, circumstances) + offUs,
      errorUs: 5,
    };
  });
}
