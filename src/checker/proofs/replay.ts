import type { Policy } from '../../core/policy.ts';
import type { Levels } from '../../history/columns/levels.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { BucketMove } from '../moves/bucket-moves.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { Known } from '../rows/coverage.ts';
import { DecisionOrder } from '../rows/decision-order.ts';
import { IntervalIndex } from './interval-index.ts';

/**
 * Replays the decisions that report the level after them, exactly: on each node in the order of the bucket's own time,
 * then by descending level, then allowed before denied, then by descending cost. After level l at time u the math gives,
 * at time v,
 *   before = min(C, l + r(v - u)),   after = before - cost if allowed; if denied, after = before < cost.
 * The gap is the reply's level minus that of the math. A gap below zero means lost tokens: an unknown charge. It is no
 * finding if operations without a level (`info`, attempts merged into one) can have been charged in between. A gap above
 * zero means minted tokens: a write was lost, or refill came too early. A failover may return the tokens of
 * unacknowledged charges, so these excuse such a gap, but only as far as the levels of the earlier node show such charges: by
 * the unexplained differences between its decisions, and by the tokens missing at its first.
 *
 * With several nodes, a decision is compared with the last admission of its node. If another node admitted in between, it
 * is compared with that admission, provided that the intervals leave no doubt which it was: this assigns a lost write to
 * its failover. A denial by a replaced node that does not know it yet charges nothing and is compared with nothing.
 *
 * Denials write no time, so after a step back of the clock a denial before an admission can have a later time. A decision
 * that ended before its predecessor in this order began is compared with nothing, and nothing is compared with it. The
 * same holds for a denial that raced with its predecessor and is later in the bucket's time by no more than a step that
 * the readings do not show.
 *
 * A move to another key may lose refill, so no decision after it is compared with one before it, and none after it with
 * a full bucket. A level that it minted shows in what is admitted.
 *
 * Decisions that end after `judgedUntilUs` are not judged, but later decisions in the bucket's time are compared with
 * their levels.
 */
export interface ReplayFinding {
  /** The decision before, on the same node or on the node that decided until then; absent for a first decision. */
  readonly before?: number;
  readonly row: number;
  /** The level by the math. Quanta. */
  readonly expectedQuanta: number;
  /** Positive: minted. Negative: lost. */
  readonly gapQuanta: number;
  readonly reason: 'level' | 'denied-with-enough' | 'out-of-range';
}

export interface ReplayKnown extends Known {
  /** The largest possible step back of a server's clock. */
  readonly stepBackUs: number;
}

/** What is known of one bucket. */
export interface ReplayBucketKnown extends ReplayKnown {
  readonly moves?: readonly BucketMove[];
}

export interface ReplayResult {
  readonly replayed: number;
  readonly findings: readonly ReplayFinding[];
}

/** Replays one bucket without refunds and resets, which report no level. Uses `byLast` as scratch space. */
export function replayBucket(rows: BucketRows, policy: Policy, known: ReplayBucketKnown): ReplayResult {
  const { levels } = rows.table;
  if (levels === undefined) return { replayed: 0, findings: [] };
  return new Replay(rows, { policy, known, levels }).run();
}

class Replay {
  readonly #table: OperationTable;
  readonly #policy: Policy;
  readonly #known: ReplayBucketKnown;
  readonly #rows: Uint32Array;
  readonly #levels: Levels;
  readonly #order: DecisionOrder;
  readonly #bucket: number;
  readonly #findings: ReplayFinding[] = [];
  #shown: Map<number, number> | undefined;
  #unseen: IntervalIndex | undefined;
  #admitted: IntervalIndex | undefined;

  constructor(
    bucket: BucketRows,
    { policy, known, levels }: { policy: Policy; known: ReplayBucketKnown; levels: Levels },
  ) {
    this.#table = bucket.table;
    this.#bucket = bucket.bucket;
    this.#policy = policy;
    this.#known = known;
    this.#levels = levels;
    this.#order = new DecisionOrder(bucket.table, levels);
    this.#rows = this.#order.sorted(bucket);
  }

  run(): ReplayResult {
    const rows = this.#rows;
    const nodeOf = (row: number | undefined) => (row === undefined ? -1 : this.#levels.node(row));
    const oneNode = nodeOf(rows[0]) === nodeOf(rows.at(-1));
    let before: number | undefined;
    let replayed = 0;
    for (const row of rows) {
      if (nodeOf(before) !== nodeOf(row)) before = undefined;
      const isMisplaced = before !== undefined && this.#mayPrecede(row, before);
      const isJudged = this.#table.lastUs(row) <= this.#known.judgedUntilUs;
      if (isJudged) replayed++;
      if (isJudged && this.#isInRange(row)) {
        if (isMisplaced) this.#judgeAlone(row);
        else if (oneNode) before === undefined ? this.#compareWithFull(row) : this.#compareWith(before, row);
        else this.#compareAmongNodes(before, row);
      }
      if ((oneNode && !isMisplaced) || this.#isAllowed(row)) before = row;
    }
    return { replayed, findings: this.#findings };
  }

  #isAllowed(row: number): boolean {
    return ((this.#table.kinds[row] as number) & KIND.outcome) === KIND.allowed;
  }

  #isInRange(row: number): boolean {
    const level = this.#levels.of(row);
    const expectedQuanta = Math.max(0, Math.min(this.#policy.capacityQuanta, level));
    if (level === expectedQuanta) return true;
    this.#findings.push({ row, expectedQuanta, gapQuanta: level - expectedQuanta, reason: 'out-of-range' });
    return false;
  }

  #compareWithFull(row: number): void {
    if (this.#hasMoved(Number.NEGATIVE_INFINITY, row)) this.#judgeAlone(row);
    else if (this.#known.initial === 'full') this.#judge(row, this.#policy.capacityQuanta);
  }

  #compareWith(before: number, row: number): void {
    const { initial, knownFromUs } = this.#known;
    const sinceUs = this.#table.invokedUs[before] as number;
    if (initial === 'unknown' && sinceUs < knownFromUs) return; // some may be missing
    if (this.#hasMoved(sinceUs, row)) this.#judgeAlone(row);
    else this.#judge(row, this.#refilled(before, row), before);
  }

  /** Whether the bucket may have moved in between. */
  #hasMoved(sinceUs: number, row: number): boolean {
    const lastUs = this.#table.lastUs(row);
    return this.#known.moves?.some(({ fromUs, untilUs }) => sinceUs <= untilUs && fromUs <= lastUs) ?? false;
  }

  /** Whether a clock that stepped back can have given `row` its later time, though it came before `other`. */
  #mayPrecede(row: number, other: number): boolean {
    const { invokedUs } = this.#table;
    if (this.#table.lastUs(row) < (invokedUs[other] as number)) return true;
    if (this.#isAllowed(row) || (invokedUs[row] as number) > this.#table.lastUs(other)) return false;
    return this.#levels.bucketUs(row) - this.#levels.bucketUs(other) <= this.#known.stepBackUs;
  }

  /** Judges a row by itself: a denial whose level covers its cost. */
  #judgeAlone(row: number): void {
    const cost = (this.#table.costTokens[row] as number) * this.#policy.quantaPerToken;
    const level = this.#levels.of(row);
    if (!this.#isAllowed(row) && cost > 0 && level >= cost)
      this.#findings.push({ row, expectedQuanta: level, gapQuanta: 0, reason: 'denied-with-enough' });
  }

  /** `levelQuanta`: the level before the decision. */
  #judge(row: number, levelQuanta: number, before?: number): void {
    const allowed = this.#isAllowed(row);
    const cost = (this.#table.costTokens[row] as number) * this.#policy.quantaPerToken;
    const expectedQuanta = allowed ? levelQuanta - cost : levelQuanta;
    const level = this.#levels.of(row);
    const gapQuanta = level - expectedQuanta;
    const found = { row, expectedQuanta, gapQuanta, ...(before === undefined ? {} : { before }) };
    if (gapQuanta !== 0 && !this.#isExcused(gapQuanta, row, before))
      this.#findings.push({ ...found, reason: 'level' });
    else if (!allowed && cost > 0 && level >= cost)
      this.#findings.push({ ...found, reason: 'denied-with-enough' });
  }

  /** Whether charges without a level explain the gap. Charges on other nodes count at any time. */
  #isExcused(gapQuanta: number, row: number, before: number | undefined): boolean {
    const { invokedUs } = this.#table;
    const isNear =
      gapQuanta < 0 && before !== undefined && this.#levels.node(before) === this.#levels.node(row);
    const sinceUs = isNear ? (invokedUs[before] as number) : Number.NEGATIVE_INFINITY;
    const mostTokens = this.#unseenCharges().costBetween(sinceUs, this.#table.lastUs(row));
    const mostQuanta = mostTokens * this.#policy.quantaPerToken;
    if (mostQuanta < Math.abs(gapQuanta)) return false;
    return gapQuanta < 0 || before === undefined || this.#shownOn(this.#levels.node(before)) >= gapQuanta;
  }

  /**
   * The most tokens that charges without a level can have taken, by the levels of this node, in quanta. Refill that found
   * the bucket full hides a charge, but then the return of the charge changes nothing either.
   */
  #shownOn(node: number): number {
    this.#shown ??= this.#addUpShown();
    return this.#shown.get(node) ?? 0;
  }

  #addUpShown(): Map<number, number> {
    const shown = new Map<number, number>();
    let before: number | undefined;
    for (const row of this.#rows) {
      const node = this.#levels.node(row);
      const isFirst = before === undefined || this.#levels.node(before) !== node;
      const expected = isFirst ? this.#policy.capacityQuanta : this.#refilled(before as number, row);
      const missing = Math.max(0, expected - this.#levelBefore(row));
      shown.set(node, (shown.get(node) ?? 0) + missing);
      before = row;
    }
    return shown;
  }

  /** The level before the decision, from its level after. */
  #levelBefore(row: number): number {
    const cost = this.#isAllowed(row) ? (this.#table.costTokens[row] as number) : 0;
    return this.#levels.of(row) + cost * this.#policy.quantaPerToken;
  }

  /** The level after `before`, refilled to the time of `row`. */
  #refilled(before: number, row: number): number {
    const { capacityQuanta, quantaPerUs } = this.#policy;
    const level = this.#levels.of(before);
    const elapsedUs = Math.max(0, this.#levels.bucketUs(row) - this.#levels.bucketUs(before));
    const full = elapsedUs >= Math.ceil((capacityQuanta - level) / quantaPerUs); // compare before multiplying: 2^53
    return full ? capacityQuanta : level + elapsedUs * quantaPerUs;
  }

  #compareAmongNodes(before: number | undefined, row: number): void {
    if (before !== undefined && !this.#anotherAdmitted(before, row)) this.#compareWith(before, row);
    else if (this.#isAllowed(row)) this.#compareAcrossNodes(row);
  }

  /** Whether a decision of another node can have come between two of one node. */
  #anotherAdmitted(before: number, row: number): boolean {
    const { invokedUs } = this.#table;
    return this.#admissions().some(
      invokedUs[before] as number,
      this.#table.lastUs(row),
      (other) => this.#levels.node(other) !== this.#levels.node(row),
    );
  }

  /** Compares with the last admission on any node, if there is no doubt which it was. */
  #compareAcrossNodes(row: number): void {
    const { invokedUs } = this.#table;
    const startUs = invokedUs[row] as number;
    const last = this.#admissions().lastCompletedBefore(startUs);
    if (last === undefined) {
      const raced = this.#admissions().some(
        Number.NEGATIVE_INFINITY,
        this.#table.lastUs(row),
        (one) => one !== row,
      );
      if (!raced) this.#compareWithFull(row);
      return;
    }
    const doubtful = this.#admissions().some(invokedUs[last] as number, this.#table.lastUs(row), (one) =>
      one === row || one === last ? false : !this.#isOrdered(one, last, row),
    );
    if (!doubtful) this.#compareWith(last, row);
  }

  /** Whether `one` certainly came before `last`, or after `row`, by the order of its node. */
  #isOrdered(one: number, last: number, row: number): boolean {
    if (this.#levels.node(one) === this.#levels.node(row)) return this.#order.compare(one, row) > 0;
    return this.#levels.node(one) === this.#levels.node(last) && this.#order.compare(one, last) < 0;
  }

  #unseenCharges(): IntervalIndex {
    this.#unseen ??= IntervalIndex.withoutLevel(this.#table, this.#bucket);
    return this.#unseen;
  }

  #admissions(): IntervalIndex {
    this.#admitted ??= IntervalIndex.ofRows(
      this.#table,
      [...this.#rows].filter((row) => this.#isAllowed(row)),
    );
    return this.#admitted;
  }
}
