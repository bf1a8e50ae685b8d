import type { Policy } from '../core/policy.ts';
import { KIND, type OperationTable } from '../history/columns/table.ts';
import type { History } from '../history/history.ts';
import { type BucketResult, type CheckerContext, clockOf, hasFindings } from './bucket-result.ts';
import type { Certificates } from './certificates/certificates.ts';
import { type Doubt, type Doubted, Doubts } from './doubts/doubts.ts';
import { withoutDoubtful, withoutDoubtfulDenials } from './doubts/sift.ts';
import { contestedByWindows, contestedDenials } from './evidence/contested.ts';
import { type EvidenceCell, EvidenceCounter } from './evidence/counter.ts';
import { findPhases } from './evidence/phases.ts';
import { LargestShares, type Shares } from './evidence/shares.ts';
import type { EvidenceRow } from './evidence/tally.ts';
import { collectRefunds } from './proofs/collect-refunds.ts';
import { bucketLevel, judgeDenials, windowLevel } from './proofs/false-denial.ts';
import { FalseDenials } from './proofs/false-denials.ts';
import { doesLagFade } from './proofs/lag.ts';
import { falseForEveryCharge } from './proofs/multi-bucket-denials.ts';
import { findOverAdmission, isOverAdmitted } from './proofs/over-admission.ts';
import type { Refund } from './proofs/refund.ts';
import { replayBucket } from './proofs/replay.ts';
import { BucketRows } from './rows/bucket-rows.ts';
import type { JudgedSpan, Known } from './rows/coverage.ts';
import { indexResets } from './rows/resets.ts';
import { findLies } from './stated/find-lies.ts';
import { Lies } from './stated/lies.ts';
import { BeyondExact, exactOf } from './windows/beyond-exact.ts';
import { BrokenWindows } from './windows/broken-windows.ts';
import { findBrokenWindows, windowHeadroom } from './windows/promised-windows.ts';

export interface CheckerResults {
  /** The buckets with findings. */
  readonly withFindings: readonly BucketResult[];
  /** The headroom of each contested bucket, in tokens. */
  readonly contested: ReadonlyMap<number, number>;
  /** The least headroom of all buckets, contested or not, in tokens; of a windowed promise, infinite. */
  readonly leastHeadroom: number;
  readonly replayed: number;
  /** Judged denials that no level of their buckets could have shown to be false. */
  readonly excused: number;
  /** Notes on what a sliding counter admitted beyond an exact log. */
  readonly notes: readonly string[];
  readonly whole: EvidenceRow;
  readonly phases: readonly EvidenceRow[];
  readonly regions: readonly EvidenceRow[];
  readonly cells: readonly EvidenceCell[];
  readonly shares: Shares;
  /** The findings that missing requests can explain, by checker. */
  readonly doubts: Partial<Record<Doubted, Doubt>>;
  readonly assumptions: readonly string[];
  /** Refunds possible before the history began, in tokens, over all buckets; 0 if they excuse nothing. */
  readonly earlierTokens: number;
}

/** Runs every checker over every bucket, and proves the buckets in which they find nothing. */
export function checkBuckets(
  history: History,
  context: CheckerContext,
  certificates?: Certificates,
): CheckerResults {
  const { operations: table, faults } = history;
  const { known, unrecorded } = context;
  const doubts = new Doubts(unrecorded);
  const shares = new LargestShares(table, findPhases(faults), context.clock);
  const evidence = new EvidenceCounter(
    table,
    findPhases(faults),
    context.windows?.areDenialsJudged === false ? NEVER : known,
  );
  const rows = new BucketRows(table);
  const resets = indexResets(history);
  const contested = new Map<number, number>();
  const withFindings: BucketResult[] = [];
  let [replayed, excused, earlierTokens, leastHeadroom] = [0, 0, 0, Number.POSITIVE_INFINITY];
  const beyond = new BeyondExact();
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    rows.load(bucket);
    const policy = table.policyOf(bucket);
    const isContested = evidence.addBucket(rows, policy, (show) =>
      context.windows === undefined
        ? contestedDenials(rows, policy, context.clock, show)
        : contestedByWindows(rows, context.windows.promise, context.clock, show),
    );
    const ofBucket = { policy, context, resets: resets(bucket) };
    const answers = checkBucket(rows, ofBucket);
    if (context.stated !== undefined) evidence.addStated(bucket);
    const found = { ...answers, lies: liesIn(rows, { ...ofBucket, refunds: answers.refunds, doubts }) };
    certificates?.prove(rows, answers);
    if (isContested) contested.set(bucket, headroomTokens(rows, found, ofBucket));
    if (context.windows === undefined)
      leastHeadroom = Math.min(leastHeadroom, found.over.headroomQuanta / policy.quantaPerToken);
    replayed += found.replay.replayed;
    excused += found.excused;
    earlierTokens += found.earlierTokens;
    addBeyond(beyond, rows, ofBucket);
    if (found.replay.replayed > 0) evidence.addReplayed(bucket, known.judgedUntilUs);
    const result = withoutDoubtful(found, { table, policy, context, doubts });
    const { over, replay } = result;
    shares.addExcess(rows, found, over !== found.over);
    if (hasFindings(result)) withFindings.push(result);
    evidence.addExcess(over.drops, policy.quantaPerToken);
    for (const { row } of replay.findings) evidence.addReplay(row);
  }
  for (const { region, ...drops } of droppedOf(history)) evidence.addDropped(region, drops);
  const confirmed = confirmAll(withFindings, { rows, context, doubts, shares });
  countConfirmed(confirmed, evidence);
  return {
    withFindings: confirmed,
    contested,
    leastHeadroom,
    replayed,
    excused,
    notes: context.windows === undefined ? [] : beyond.sentences(context.windows.promise),
    whole: evidence.wholeRun(),
    phases: evidence.phases(),
    regions: evidence.regions(),
    cells: evidence.cells(),
    shares: shares.found(evidence.drainable),
    doubts: doubts.found(),
    assumptions: doubts.assumptions(),
    earlierTokens,
  };
}

/** What a sliding counter admitted beyond an exact log in the loaded bucket. */
function addBeyond(beyond: BeyondExact, rows: BucketRows, { context: { windows }, resets }: OfBucket): void {
  if (windows?.promise.type !== 'sliding-counter') return;
  rows.load(rows.bucket); // a replay uses one of the orders as scratch space
  const { table, bucket } = rows;
  beyond.add(table.nameOf(bucket), findBrokenWindows(rows, exactOf(windows.promise), windows.clock, resets));
}

function countConfirmed(confirmed: readonly BucketResult[], evidence: EvidenceCounter): void {
  for (const { denials, lies } of confirmed) {
    for (const row of denials.rows()) evidence.addFalseDenial(row);
    for (const { row } of lies) evidence.addLie(row);
  }
}

interface OfBucket {
  readonly policy: Policy;
  readonly context: CheckerContext;
  readonly resets: readonly number[];
}

/** The lies in the loaded bucket; those that missing requests explain are doubtful. */
function liesIn(
  rows: BucketRows,
  { policy, context, refunds, doubts }: OfBucket & { refunds: readonly Refund[]; doubts: Doubts },
): Lies {
  const { lies, doubtful } = findLies(rows, policy, { context, refunds });
  const bucket = rows.table.nameOf(rows.bucket);
  if (doubtful.count > 0)
    doubts.explain('dishonest', { bucket, needed: doubtful.needed, amount: doubtful.count });
  return lies;
}

/** How many more tokens the loaded bucket could have admitted unseen. */
function headroomTokens(
  rows: BucketRows,
  { over }: Pick<BucketResult, 'over'>,
  { policy, context: { windows }, resets }: OfBucket,
): number {
  if (windows === undefined) return over.headroomQuanta / policy.quantaPerToken;
  return windowHeadroom(rows, windows.promise, windows.clock, resets);
}

const NO_LIES = new Lies();

const NEVER: JudgedSpan = {
  judgedFromUs: Number.POSITIVE_INFINITY,
  judgedUntilUs: Number.NEGATIVE_INFINITY,
};

/** Judges the answers of one loaded bucket: what it admitted and denied. */
export function checkBucket(rows: BucketRows, { policy, context, resets }: OfBucket): BucketResult {
  const { clock, known, windows, unrecorded } = context;
  const isUnknownBefore = unrecorded.mayRefund && known.initial === 'unknown';
  const recorded = collectRefunds(rows, { policy, clock, resets });
  const earlier = isUnknownBefore ? earlierRefund(rows, policy, known) : undefined;
  const isExcused = earlier !== undefined && isOverAdmitted(rows, policy, clock, recorded);
  const refunds = earlier === undefined ? recorded : [earlier, ...recorded];
  const result = {
    bucket: rows.bucket,
    over: findOverAdmission(rows, policy, clock, refunds),
    earlierTokens: isExcused ? earlier.quanta / policy.quantaPerToken : 0,
    ...judgeBucketDenials(rows, policy, { context, refunds }),
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
    lies: NO_LIES,
    refunds,
  };
  if (recorded.length > 0 || rows.hasSettled || context.isReplayed === false)
    return { ...result, replay: { replayed: 0, findings: [] } };
  const moves = context.movesOf(rows.bucket);
  return { ...result, replay: replayBucket(rows, policy, { ...known, moves }) }; // last: it uses one of the orders as scratch space
}

function judgeBucketDenials(
  rows: BucketRows,
  policy: Policy,
  { context, refunds }: { context: CheckerContext; refunds: readonly Refund[] },
): Pick<BucketResult, 'denials' | 'excused'> {
  const { known, windows } = context;
  const hasMoved = context.movesOf(rows.bucket).length > 0;
  if (windows?.areDenialsJudged === false || (windows !== undefined && hasMoved))
    return { denials: new FalseDenials(), excused: 0 };
  if (windows !== undefined)
    return judgeDenials(rows, known, {
      levelOf: () => windowLevel(windows, known),
      mostQuanta: windows.promise.limit,
    });
  const clock = clockOf(context, rows.bucket);
  const fades = rows.denials > 0 && doesLagFade(rows, policy, refunds);
  return judgeDenials(rows, known, {
    levelOf: () => bucketLevel(policy, { clock, known, fades }),
    mostQuanta: policy.capacityQuanta,
  });
}

/**
 * In a history that starts in mid-traffic, earlier refunds that it lacks may have paid for the admissions that began
 * before `knownFromUs`: at most for their whole cost.
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

/** Without the denials that requests in other buckets, or missing requests, can explain. */
function confirmAll(
  withFindings: readonly BucketResult[],
  {
    rows,
    context,
    doubts,
    shares,
  }: {
    rows: BucketRows;
    context: CheckerContext;
    doubts: Doubts;
    shares: LargestShares;
  },
): readonly BucketResult[] {
  const confirmed = confirmDenials(rows.table, withFindings).map((result) => {
    const kept = withoutDoubtfulDenials(result, { rows, context, doubts });
    shares.addDenials(rows, result, kept);
    return kept;
  });
  return confirmed.filter(hasFindings);
}

function confirmDenials(
  table: OperationTable,
  withFindings: readonly BucketResult[],
): readonly BucketResult[] {
  const isConfirmed = falseForEveryCharge(
    table,
    withFindings.map(({ denials }) => denials),
  );
  if (isConfirmed === undefined) return withFindings;
  return withFindings.map((result) => ({ ...result, denials: result.denials.where(isConfirmed) }));
}

function droppedOf({ events }: History) {
  return events.flatMap(({ event, atUs, args: { region, requests } = {} }) =>
    event === 'dropped' && typeof region === 'string' && typeof requests === 'number'
      ? [{ region, atUs, requests }]
      : [],
  );
}
