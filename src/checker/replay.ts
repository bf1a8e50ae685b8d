import type { Policy } from '../core/policy.ts';
import type { Levels } from '../history/levels.ts';
import { KIND, type OperationTable } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import { DecisionOrder } from './decision-order.ts';
import { Fillers } from './fillers.ts';
import type { Known } from './known.ts';

/**
 * Replays the decisions that say which level they left, exactly: on each node in the order of the bucket's own
 * time, then level falling, then allowed before denied, then cost falling. After level l at time u the math gives, at time v,
 *   before = min(C, l + r(v - u)),   after = before - cost if allowed, else before, which is below the cost.
 * What the reply says minus what the math gives is the gap. A gap below zero means tokens were lost: something
 * that we do not know of was charged. That is no finding where operations without a level (`info`, attempts
 * merged into one) can have been charged in between. A gap above zero means tokens were minted: a write was lost,
 * or refill came too early. What unacknowledged charges took may come back at a failover, so they excuse that, but
 * no more of them than the levels of the node that decided before show to have been charged: what two of its decisions
 * leave unexplained, and what was missing at its first.
 *
 * Where several nodes decided, a decision is compared with the last admission of its node, or, when another node
 * admitted in between, with that one, if the intervals leave no doubt which it was: this pins a lost write to the
 * failover that lost it. A denial of a node that has been replaced without knowing it charges nothing and is
 * compared with nothing.
 *
 * Denials write no time, so after a step back of the clock one that came before an admission can carry a later time.
 * What ended before the decision it is sorted behind began is compared with nothing, and nothing with it. So is a
 * denial that raced with it and is later in the bucket's time by no more than a step that the readings do not show.
 *
 * Decisions that end after `judgedUntilUs` are not judged, but what comes after them in the bucket's time is compared
 * with what they left.
 */
export interface ReplayFinding {
  /** The decision before, on the same node or on the one that decided until then; absent for a first decision. */
  readonly before?: number;
  readonly row: number;
  /** Quanta: what the math gives. */
  readonly expectedQuanta: number;
  /** Above zero: minted. Below: lost. */
  readonly gapQuanta: number;
  readonly reason: 'level' | 'denied-with-enough' | 'out-of-range';
}

export interface ReplayKnown extends Known {
  /** The largest step back of a server's clock that can have happened. */
  readonly stepBackUs: number;
}

export interface ReplayResult {
  readonly replayed: number;
  readonly findings: readonly ReplayFinding[];
}

/** Replays one bucket, which must have no refunds or resets: those leave no level behind. Borrows `byLast`. */
export function replayBucket(rows: BucketRows, policy: Policy, known: ReplayKnown): ReplayResult {
  const { levels } = rows.table;
  if (levels === undefined) return { replayed: 0, findings: [] };
  return new Replay(rows, { policy, known, levels }).run();
}

class Replay {
  readonly #table: OperationTable;
  readonly #policy: Policy;
  readonly #known: ReplayKnown;
  readonly #rows: Uint32Array;
  readonly #levels: Levels;
  readonly #order: DecisionOrder;
  readonly #bucket: number;
  readonly #findings: ReplayFinding[] = [];
  #shown: Map<number, number> | undefined;
  #unseen: Fillers | undefined;
  #admitted: Fillers | undefined;

  constructor(
    bucket: BucketRows,
    { policy, known, levels }: { policy: Policy; known: ReplayKnown; levels: Levels },
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
    if (this.#known.initial === 'full') this.#judge(row, this.#policy.capacityQuanta);
  }

  #compareWith(before: number, row: number): void {
    const { initial, knownFromUs } = this.#known;
    if (initial === 'unknown' && (this.#table.invokedUs[before] as number) < knownFromUs) return; // not all is there
    this.#judge(row, this.#refilled(before, row), before);
  }

  /** Whether a clock that stepped back can have given `row` its later time, though it came before `other`. */
  #mayPrecede(row: number, other: number): boolean {
    const { invokedUs } = this.#table;
    if (this.#table.lastUs(row) < (invokedUs[other] as number)) return true;
    if (this.#isAllowed(row) || (invokedUs[row] as number) > this.#table.lastUs(other)) return false;
    return this.#levels.bucketUs(row) - this.#levels.bucketUs(other) <= this.#known.stepBackUs;
  }

  /** Whatever came before it: a denial that says that the bucket held its cost. */
  #judgeAlone(row: number): void {
    const cost = (this.#table.costTokens[row] as number) * this.#policy.quantaPerToken;
    const level = this.#levels.of(row);
    if (!this.#isAllowed(row) && cost > 0 && level >= cost)
      this.#findings.push({ row, expectedQuanta: level, gapQuanta: 0, reason: 'denied-with-enough' });
  }

  /** `levelQuanta` is what the bucket held when it was asked. */
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

  /** Whether charges that left no level explain it. Those that another node knew of count whenever they were. */
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
   * The most that charges without a level can have taken from what this node's levels show, in quanta. Refill that
   * found the bucket full hides a charge, and then its return changes nothing either.
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

  /** What the bucket held when it was asked, by what it held after. */
  #levelBefore(row: number): number {
    const cost = this.#isAllowed(row) ? (this.#table.costTokens[row] as number) : 0;
    return this.#levels.of(row) + cost * this.#policy.quantaPerToken;
  }

  /** What the math makes of the level after `before` by the time of `row`. */
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

  /** Compares with the last admission before it on whatever node, if there is no doubt which that was. */
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

  /** Whether `one` certainly came before `last`, or after `row`, by the order of their own node. */
  #isOrdered(one: number, last: number, row: number): boolean {
    if (this.#levels.node(one) === this.#levels.node(row)) return this.#order.compare(one, row) > 0;
    return this.#levels.node(one) === this.#levels.node(last) && this.#order.compare(one, last) < 0;
  }

  #unseenCharges(): Fillers {
    this.#unseen ??= Fillers.withoutLevel(this.#table, this.#bucket);
    return this.#unseen;
  }

  #admissions(): Fillers {
    this.#admitted ??= Fillers.ofRows(
      this.#table,
      [...this.#rows].filter((row) => this.#isAllowed(row)),
    );
    return this.#admitted;
  }
}
