import type { Policy } from '../core/policy.ts';
import type { History } from '../history/history.ts';
import type { Event } from '../history/operation.ts';
import { KIND, type OperationTable } from '../history/table.ts';
import { BeyondExact, exactOf } from './beyond-exact.ts';
import { BucketRows } from './bucket-rows.ts';
import type { ClockBounds } from './clock.ts';
import { contestedByWindows, contestedDenials } from './contested.ts';
import { type EvidenceCell, EvidenceCounter } from './evidence.ts';
import { type FalseDenial, findFalseDenials, findWindowDenials } from './false-denial.ts';
import type { Known } from './known.ts';
import { findOverAdmission, type OverAdmission } from './over-admission.ts';
import { phasesOf } from './phases.ts';
import type { WindowPromise } from './promise.ts';
import type { Refund } from './refund.ts';
import { type ReplayKnown, type ReplayResult, replayBucket } from './replay.ts';
import { falseForEveryCharge } from './several.ts';
import type { EvidenceRow } from './tally.ts';
import type { WindowClock } from './window-clock.ts';
import { findBrokenWindows, windowHeadroom } from './window-promise.ts';
import type { BrokenWindow } from './window-spans.ts';

/** What the checkers say about one bucket. */
export interface BucketResult {
  readonly bucket: number;
  readonly over: OverAdmission;
  readonly denials: readonly FalseDenial[];
  readonly replay: ReplayResult;
  readonly windows: readonly BrokenWindow[];
  /** In the order of time. */
  readonly refunds: readonly Refund[];
}

export interface PassRules {
  readonly clock: ClockBounds;
  readonly known: ReplayKnown;
  /** Absent for a token bucket. */
  readonly windows?: {
    readonly promise: WindowPromise;
    readonly clock: WindowClock;
    /** Whether it can be told what a window holds at most at a moment. */
    readonly areDenialsJudged: boolean;
  };
}

export interface PassResult {
  /** Buckets against which there is something. */
  readonly guilty: readonly BucketResult[];
  /** Each bucket that was contested, with its headroom in tokens. */
  readonly contested: ReadonlyMap<number, number>;
  readonly replayed: number;
  /** Of a sliding counter, what an exact log would not have admitted, as notes. */
  readonly notes: readonly string[];
  readonly whole: EvidenceRow;
  readonly phases: readonly EvidenceRow[];
  readonly regions: readonly EvidenceRow[];
  readonly cells: readonly EvidenceCell[];
}

/** Runs every checker over every bucket. */
export function checkBuckets(history: History, rules: PassRules): PassResult {
  const { operations: table, faults } = history;
  const { judgedUntilUs } = rules.known;
  const evidence = new EvidenceCounter(
    table,
    phasesOf(faults),
    rules.windows?.areDenialsJudged === false ? Number.NEGATIVE_INFINITY : judgedUntilUs,
  );
  const rows = new BucketRows(table);
  const resets = resetsOf(history);
  const givesBack = table.costTokens.some((cost) => cost < 0) || history.events.some(isReset);
  const contested = new Map<number, number>();
  const guilty: BucketResult[] = [];
  let replayed = 0;
  const beyond = new BeyondExact();
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    rows.load(bucket);
    const policy = table.policyOf(bucket);
    const isContested = evidence.addBucket(rows, policy, (show) =>
      rules.windows === undefined
        ? contestedDenials(rows, policy, rules.clock, show)
        : contestedByWindows(rows, rules.windows.promise, rules.clock, show),
    );
    const result = checkBucket(rows, { policy, rules, resets: resets(bucket), givesBack });
    if (isContested)
      contested.set(
        bucket,
        rules.windows === undefined
          ? result.over.headroomQuanta / policy.quantaPerToken
          : windowHeadroom(rows, rules.windows.promise, rules.windows.clock, resets(bucket)),
      );
    replayed += result.replay.replayed;
    if (rules.windows?.promise.type === 'sliding-counter') {
      const { promise, clock } = rules.windows;
      rows.load(bucket); // a replay takes the memory of an order
      beyond.add(table.nameOf(bucket), findBrokenWindows(rows, exactOf(promise), clock, resets(bucket)));
    }
    if (result.replay.replayed > 0) evidence.addReplayed(bucket, judgedUntilUs);
    const { over, denials, replay, windows } = result;
    if (over.drops.length + denials.length + replay.findings.length + windows.length > 0) guilty.push(result);
    evidence.addExcess(over.drops, policy.quantaPerToken);
    for (const { row } of replay.findings) evidence.addReplay(row);
  }
  for (const { region, ...drops } of droppedOf(history)) evidence.addDropped(region, drops);
  const confirmed = confirmDenials(table, guilty);
  for (const { denials } of confirmed) for (const { row } of denials) evidence.addFalseDenial(row);
  return {
    guilty: confirmed,
    contested,
    replayed,
    notes: rules.windows === undefined ? [] : beyond.sentences(rules.windows.promise),
    whole: evidence.whole(),
    phases: evidence.phases(),
    regions: evidence.regions(),
    cells: evidence.cells(),
  };
}

function checkBucket(
  rows: BucketRows,
  {
    policy,
    rules,
    resets,
    givesBack,
  }: { policy: Policy; rules: PassRules; resets: readonly number[]; givesBack: boolean },
): BucketResult {
  const { clock, known, windows } = rules;
  const recorded = refundsOf(rows, policy, resets);
  const earlier = givesBack && known.initial === 'unknown' ? earlierRefund(rows, policy, known) : undefined;
  const refunds = earlier === undefined ? recorded : [earlier, ...recorded];
  const result = {
    bucket: rows.bucket,
    over: findOverAdmission(rows, policy, clock, refunds),
    denials: denialsOf(rows, policy, rules),
    windows:
      windows === undefined
        ? []
        : findBrokenWindows(rows, windows.promise, windows.clock, resets).filter(
            ({ startUs }) => !givesBack || startUs >= windows.clock.knownFromUs,
          ),
    refunds,
  };
  if (recorded.length > 0) return { ...result, replay: { replayed: 0, findings: [] } };
  return { ...result, replay: replayBucket(rows, policy, known) }; // last: it takes the memory of an order
}

function denialsOf(rows: BucketRows, policy: Policy, { clock, known, windows }: PassRules): FalseDenial[] {
  if (windows === undefined) return findFalseDenials(rows, policy, clock, known);
  return windows.areDenialsJudged ? findWindowDenials(rows, windows, known) : [];
}

/**
 * Where a history starts in mid-traffic, what was admitted to begin before may have met refunds that are not in it, at
 * the most worth all of that.
 */
function earlierRefund(
  { table, byInvoked, count }: BucketRows,
  policy: Policy,
  known: Known,
): Refund | undefined {
  let tokens = 0;
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    if ((table.invokedUs[row] as number) >= known.knownFromUs) break;
    if (((table.kinds[row] as number) & KIND.outcome) === KIND.allowed)
      tokens += table.costTokens[row] as number;
  }
  if (tokens === 0) return undefined;
  return {
    fromUs: Number.NEGATIVE_INFINITY,
    lastUs: known.knownFromUs,
    quanta: tokens * policy.quantaPerToken,
  };
}

function refundsOf({ table, refunds }: BucketRows, policy: Policy, resets: readonly number[]): Refund[] {
  return [
    ...refunds.map((row) => ({
      fromUs: table.invokedUs[row] as number,
      lastUs: table.lastUs(row),
      quanta: Math.min(-(table.costTokens[row] as number), policy.capacityTokens) * policy.quantaPerToken,
    })),
    ...resets.map((fromUs) => ({ fromUs, lastUs: Number.POSITIVE_INFINITY, quanta: policy.capacityQuanta })),
  ].sort((a, b) => a.fromUs - b.fromUs);
}

function confirmDenials(table: OperationTable, guilty: readonly BucketResult[]): BucketResult[] {
  const confirmed = falseForEveryCharge(
    table,
    guilty.flatMap(({ denials }) => denials.map(({ row }) => row)),
  );
  return guilty.map((result) => ({
    ...result,
    denials: result.denials.filter(({ row }) => confirmed.has(row)),
  }));
}

function isReset({ event }: Event): boolean {
  return event === 'reset';
}

function droppedOf({ events }: History) {
  return events.flatMap(({ event, atUs, args: { region, requests } = {} }) =>
    event === 'dropped' && typeof region === 'string' && typeof requests === 'number'
      ? [{ region, atUs, requests }]
      : [],
  );
}

/** Events that fill the bucket they name, whatever its policy, or every bucket when they name none. */
function resetsOf({ events, operations: table }: History) {
  const byName = new Map<unknown, number[]>();
  for (const { args, atUs } of events.filter(isReset)) {
    const known = byName.get(args?.bucket);
    if (known === undefined) byName.set(args?.bucket, [atUs]);
    else known.push(atUs);
  }
  return (bucket: number): readonly number[] => {
    if (byName.size === 0) return [];
    const names = new Set([undefined, table.nameOf(bucket), table.plainNameOf(bucket)]);
    return [...names].flatMap((name) => byName.get(name) ?? []);
  };
}
