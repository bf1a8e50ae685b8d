import type { OperationTable } from '../history/columns/table.ts';
import type { History } from '../history/history.ts';
import { type BucketResult, type CheckerContext, hasFindings } from './bucket-result.ts';
import type { Certificates } from './certificates/certificates.ts';
import { type Doubt, type Doubted, Doubts } from './doubts/doubts.ts';
import { withoutDoubtful, withoutDoubtfulDenials } from './doubts/sift.ts';
import { markContested } from './evidence/contested.ts';
import { type EvidenceCell, EvidenceCounter } from './evidence/counter.ts';
import { findPhases } from './evidence/phases.ts';
import type { Seen } from './evidence/seen.ts';
import { LargestShares, type Shares } from './evidence/shares.ts';
import type { EvidenceRow } from './evidence/tally.ts';
import { checkBucket, type OfBucket } from './judge-bucket.ts';
import { falseForEveryCharge } from './proofs/multi-bucket-denials.ts';
import type { Refund } from './proofs/refund.ts';
import { BucketRows } from './rows/bucket-rows.ts';
import type { JudgedSpan } from './rows/coverage.ts';
import { indexResets, type Reset } from './rows/resets.ts';
import { findLies } from './stated/find-lies.ts';
import type { Lies } from './stated/lies.ts';
import { BeyondExact, exactOf } from './windows/beyond-exact.ts';
import { findBrokenWindows, windowHeadroom } from './windows/promised-windows.ts';

export interface CheckerResults {
  readonly counts: Counts;
  /** The buckets with findings. */
  readonly withFindings: readonly BucketResult[];
  /** The headroom of each contested bucket, in tokens. */
  readonly contested: ReadonlyMap<number, number>;
  /** The least headroom of all buckets, contested or not, in tokens; of a windowed promise, infinite. */
  readonly leastHeadroom: number;
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
}

/** Counts over all buckets. */
class Counts {
  replayed = 0;
  /** Judged denials that no level of their buckets could have shown to be false. */
  excused = 0;
  /** Those among them that the requests of the history do not explain. */
  unexplained = 0;
  /** Refunds possible before the history began, in tokens; 0 if they excuse nothing. */
  earlierTokens = 0;
  /** The buckets that only a reset acquits which acted later than the next decision, and their resets without an end. */
  readonly lateResets = new Map<number, readonly Reset[]>();

  add({ bucket, replay, excused, unexplained, earlierTokens, lateResets }: BucketResult): void {
    this.replayed += replay.replayed;
    this.excused += excused;
    this.unexplained += unexplained;
    this.earlierTokens += earlierTokens;
    if (lateResets !== undefined) this.lateResets.set(bucket, lateResets);
  }
}

/** What is kept of every bucket beside the findings. */
interface Kept {
  readonly certificates?: Certificates;
  readonly seen?: Seen | undefined;
}

/** Runs every checker over every bucket, and proves the buckets in which they find nothing. */
export function checkBuckets(
  history: History,
  context: CheckerContext,
  { certificates, seen }: Kept = {},
): CheckerResults {
  const { operations: table, faults } = history;
  const { known, unrecorded } = context;
  const doubts = new Doubts(unrecorded);
  const shares = new LargestShares(table, findPhases(faults), context.clock);
  const judgedSpan = context.windows?.areDenialsJudged === false ? NEVER : known;
  const evidence = new EvidenceCounter(table, findPhases(faults), judgedSpan);
  const rows = new BucketRows(table);
  const resets = indexResets(history);
  const contested = new Map<number, number>();
  const withFindings: BucketResult[] = [];
  const counts = new Counts();
  let leastHeadroom = Number.POSITIVE_INFINITY;
  const beyond = new BeyondExact();
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    rows.load(bucket);
    const policy = table.policyOf(bucket);
    const isContested = evidence.addBucket(rows, policy, (show) =>
      markContested(rows, { policy, context }, show),
    );
    const ofBucket = { policy, context, resets: resets(bucket) };
    seen?.look(rows, { policy, context, isContested });
    const answers = checkBucket(rows, ofBucket);
    if (context.stated !== undefined) evidence.addStated(bucket);
    const found = { ...answers, lies: liesIn(rows, { ...ofBucket, refunds: answers.refunds, doubts }) };
    certificates?.prove(rows, answers);
    if (isContested) contested.set(bucket, headroomTokens(rows, found, ofBucket));
    if (context.windows === undefined)
      leastHeadroom = Math.min(leastHeadroom, found.over.headroomQuanta / policy.quantaPerToken);
    counts.add(found);
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
    counts,
    leastHeadroom,
    notes: context.windows === undefined ? [] : beyond.sentences(context.windows.promise),
    whole: evidence.wholeRun(),
    phases: evidence.phases(),
    regions: evidence.regions(),
    cells: evidence.cells(),
    shares: shares.found(evidence.drainable),
    doubts: doubts.found(),
    assumptions: doubts.assumptions(),
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

const NEVER: JudgedSpan = {
  judgedFromUs: Number.POSITIVE_INFINITY,
  judgedUntilUs: Number.NEGATIVE_INFINITY,
};

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
