import type { Policy } from '../core/policy.ts';
import type { History } from '../history/history.ts';
import type { Event } from '../history/operation.ts';
import { KIND, type OperationTable } from '../history/table.ts';
import { BeyondExact, exactOf } from './beyond-exact.ts';
import { BrokenWindows } from './broken-windows.ts';
import { type BucketResult, isGuilty, type PassRules } from './bucket-result.ts';
import { BucketRows } from './bucket-rows.ts';
import { contestedByWindows, contestedDenials } from './contested.ts';
import { type Doubt, type Doubted, Doubts } from './doubts.ts';
import { type EvidenceCell, EvidenceCounter } from './evidence.ts';
import { bucketLevel, judgeDenials, windowLevel } from './false-denial.ts';
import { FalseDenials } from './false-denials.ts';
import type { JudgedSpan } from './horizon.ts';
import type { Known } from './known.ts';
import { doesLagFade } from './lag.ts';
import { findOverAdmission, isOverAdmitted } from './over-admission.ts';
import { phasesOf } from './phases.ts';
import type { Refund } from './refund.ts';
import { replayBucket } from './replay.ts';
import { falseForEveryCharge } from './several.ts';
import { withoutDoubtful, withoutDoubtfulDenials } from './sift.ts';
import type { EvidenceRow } from './tally.ts';
import { findBrokenWindows, windowHeadroom } from './window-promise.ts';

export interface PassResult {
  /** Buckets against which there is something. */
  readonly guilty: readonly BucketResult[];
  /** Each bucket that was contested, with its headroom in tokens. */
  readonly contested: ReadonlyMap<number, number>;
  readonly replayed: number;
  /** Judged denials that could not have been found false, whatever the buckets held. */
  readonly excused: number;
  /** Of a sliding counter, what an exact log would not have admitted, as notes. */
  readonly notes: readonly string[];
  readonly whole: EvidenceRow;
  readonly phases: readonly EvidenceRow[];
  readonly regions: readonly EvidenceRow[];
  readonly cells: readonly EvidenceCell[];
  /** What requests that are not in the history can explain, by the checker that found it. */
  readonly doubts: Partial<Record<Doubted, Doubt>>;
  readonly assumptions: readonly string[];
  /** What may have been refunded before the history began, where that excuses something: in all buckets. */
  readonly earlierTokens: number;
}

/** Runs every checker over every bucket. */
export function checkBuckets(history: History, rules: PassRules): PassResult {
  const { operations: table, faults } = history;
  const { known, unrecorded } = rules;
  const doubts = new Doubts(unrecorded);
  const evidence = new EvidenceCounter(
    table,
    phasesOf(faults),
    rules.windows?.areDenialsJudged === false ? NEVER : known,
  );
  const rows = new BucketRows(table);
  const resets = resetsOf(history);
  const contested = new Map<number, number>();
  const guilty: BucketResult[] = [];
  let [replayed, excused, earlierTokens] = [0, 0, 0];
  const beyond = new BeyondExact();
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    rows.load(bucket);
    const policy = table.policyOf(bucket);
    const isContested = evidence.addBucket(rows, policy, (show) =>
      rules.windows === undefined
        ? contestedDenials(rows, policy, rules.clock, show)
        : contestedByWindows(rows, rules.windows.promise, rules.clock, show),
    );
    const found = checkBucket(rows, { policy, rules, resets: resets(bucket) });
    if (isContested)
      contested.set(
        bucket,
        rules.windows === undefined
          ? found.over.headroomQuanta / policy.quantaPerToken
          : windowHeadroom(rows, rules.windows.promise, rules.windows.clock, resets(bucket)),
      );
    replayed += found.replay.replayed;
    excused += found.excused;
    earlierTokens += found.earlierTokens;
    if (rules.windows?.promise.type === 'sliding-counter') {
      const { promise, clock } = rules.windows;
      rows.load(bucket); // a replay takes the memory of an order
      beyond.add(table.nameOf(bucket), findBrokenWindows(rows, exactOf(promise), clock, resets(bucket)));
    }
    if (found.replay.replayed > 0) evidence.addReplayed(bucket, known.judgedUntilUs);
    const result = withoutDoubtful(found, { table, policy, rules, doubts });
    const { over, replay } = result;
    if (isGuilty(result)) guilty.push(result);
    evidence.addExcess(over.drops, policy.quantaPerToken);
    for (const { row } of replay.findings) evidence.addReplay(row);
  }
  for (const { region, ...drops } of droppedOf(history)) evidence.addDropped(region, drops);
  const confirmed = confirmDenials(table, guilty)
    .map((result) => withoutDoubtfulDenials(result, { rows, rules, doubts }))
    .filter(isGuilty);
  for (const { denials } of confirmed) for (const row of denials.rows()) evidence.addFalseDenial(row);
  return {
    guilty: confirmed,
    contested,
    replayed,
    excused,
    notes: rules.windows === undefined ? [] : beyond.sentences(rules.windows.promise),
    whole: evidence.whole(),
    phases: evidence.phases(),
    regions: evidence.regions(),
    cells: evidence.cells(),
    doubts: doubts.found(),
    assumptions: doubts.assumptions(),
    earlierTokens,
  };
}

const NEVER: JudgedSpan = {
  judgedFromUs: Number.POSITIVE_INFINITY,
  judgedUntilUs: Number.NEGATIVE_INFINITY,
};

/** Runs every checker over one bucket, which is loaded. */
export function checkBucket(
  rows: BucketRows,
  { policy, rules, resets }: { policy: Policy; rules: PassRules; resets: readonly number[] },
): BucketResult {
  const { clock, known, windows, unrecorded } = rules;
  const isUnknownBefore = unrecorded.mayRefund && known.initial === 'unknown';
  const recorded = refundsOf(rows, policy, resets);
  const earlier = isUnknownBefore ? earlierRefund(rows, policy, known) : undefined;
  const isExcused = earlier !== undefined && isOverAdmitted(rows, policy, clock, recorded);
  const refunds = earlier === undefined ? recorded : [earlier, ...recorded];
  const result = {
    bucket: rows.bucket,
    over: findOverAdmission(rows, policy, clock, refunds),
    earlierTokens: isExcused ? earlier.quanta / policy.quantaPerToken : 0,
    ...denialsOf(rows, policy, { rules, refunds }),
    windows:
      windows === undefined
        ? new BrokenWindows()
        : findBrokenWindows(
            rows,
            windows.promise,
            windows.clock,
            resets,
            isUnknownBefore ? windows.clock.knownFromUs : undefined,
          ),
    refunds,
  };
  if (recorded.length > 0) return { ...result, replay: { replayed: 0, findings: [] } };
  return { ...result, replay: replayBucket(rows, policy, known) }; // last: it takes the memory of an order
}

function denialsOf(
  rows: BucketRows,
  policy: Policy,
  { rules, refunds }: { rules: PassRules; refunds: readonly Refund[] },
): Pick<BucketResult, 'denials' | 'excused'> {
  const { clock, known, windows } = rules;
  if (windows?.areDenialsJudged === false) return { denials: new FalseDenials(), excused: 0 };
  if (windows !== undefined)
    return judgeDenials(rows, known, {
      levelOf: () => windowLevel(windows, known),
      mostQuanta: windows.promise.limit,
    });
  const fades = rows.denials > 0 && doesLagFade(rows, policy, refunds);
  return judgeDenials(rows, known, {
    levelOf: () => bucketLevel(policy, { clock, known, fades }),
    mostQuanta: policy.capacityQuanta,
  });
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

function confirmDenials(table: OperationTable, guilty: readonly BucketResult[]): readonly BucketResult[] {
  const isConfirmed = falseForEveryCharge(
    table,
    guilty.map(({ denials }) => denials),
  );
  if (isConfirmed === undefined) return guilty;
  return guilty.map((result) => ({ ...result, denials: result.denials.where(isConfirmed) }));
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
