import type { Policy } from '../../../core/policy.ts';
import { KIND, type OperationTable } from '../../../history/columns/table.ts';
import type { CheckerContext } from '../../bucket-result.ts';
import type { BucketRows } from '../../rows/bucket-rows.ts';
import { charged, type Decided, itsCost, type Rule, refilled } from './rules.ts';

interface Pending {
  readonly lastUs: number;
  readonly costQuanta: number;
}

/**
 * Follows the levels that a bucket with a changed rule can have, from decision to decision: an admission shows that it
 * held at least what the rule asks for, a denial that it held less. Decisions that overlap show nothing, since their order
 * is unknown: the lowest level is refilled until the first of them began and charged then, the highest is charged first
 * and refilled until the last of them was over. A charge without a reply may lower the lowest level at any later time.
 */
export class LevelRange {
  /** Decisions that the rule contradicts. After each, the level is the one that the decision just allows. */
  contradictions = 0;
  /** Those after a denial, which shows how little the bucket held. */
  afterDenial = 0;
  #isDenied = false;
  readonly #rule: Required<Pick<Rule, 'found' | 'needs' | 'left'>>;
  readonly #table: OperationTable;
  readonly #policy: Policy;
  readonly #context: CheckerContext;
  #lowest: number;
  #highest: number;
  /** The level is the lowest at `#lowestUs`, the highest at `#highestUs`. */
  #lowestUs: number;
  #highestUs: number;
  #pending: Pending[] = [];
  #isFirst = true;

  constructor(
    rows: BucketRows,
    { found = refilled, needs = itsCost, left = charged, start }: Rule,
    { policy, context, firstUs }: { policy: Policy; context: CheckerContext; firstUs: number },
  ) {
    const { capacityQuanta } = policy;
    this.#rule = { found, needs, left };
    this.#table = rows.table;
    this.#policy = policy;
    this.#context = context;
    const full = start?.(policy) ?? { lowest: capacityQuanta, highest: capacityQuanta };
    this.#highest = Math.max(full.highest, context.known.initial === 'full' ? 0 : capacityQuanta);
    this.#lowest = context.known.initial === 'full' ? full.lowest : -capacityQuanta;
    this.#lowestUs = firstUs;
    this.#highestUs = firstUs;
    this.#run(rows);
  }

  #run({ byInvoked, count, table }: BucketRows): void {
    const { knownFromUs, judgedUntilUs, initial } = this.#context.known;
    const isOpen = (row: number) => ((table.kinds[row] as number) & KIND.outcome) === KIND.info;
    let group: number[] = [];
    let groupLastUs = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < count; at++) {
      const row = byInvoked[at] as number;
      const us = table.invokedUs[row] as number;
      if (us > judgedUntilUs) break;
      const isEarly = initial !== 'full' && us < knownFromUs;
      if (us > groupLastUs && !isEarly) {
        this.#decide(group);
        group = [];
      }
      if (isOpen(row)) this.#pending.push({ lastUs: table.lastUs(row), costQuanta: this.#costOf(row) });
      else {
        group.push(row);
        groupLastUs = Math.max(groupLastUs, table.lastUs(row), isEarly ? knownFromUs : 0);
      }
    }
    if (groupLastUs <= judgedUntilUs) this.#decide(group);
  }

  #decide(group: readonly number[]): void {
    const [first, ...others] = group;
    if (first === undefined) return;
    const fromUs = this.#table.invokedUs[first] as number;
    const lastUs = group.reduce((last, row) => Math.max(last, this.#table.lastUs(row)), 0);
    this.#settle(fromUs);
    const lowest = this.#found(this.#lowest, this.#least(fromUs - this.#lowestUs), first);
    const highest = this.#found(this.#highest, this.#most(lastUs - this.#highestUs), first);
    [this.#lowest, this.#highest] = [lowest, highest];
    if (others.length === 0) this.#look(first);
    for (const row of group) {
      this.#lowest = this.#rule.left(this.#lowest, this.#decided(row));
      this.#highest = this.#rule.left(this.#highest, this.#decided(row));
    }
    [this.#lowestUs, this.#highestUs] = [lastUs, fromUs];
    this.#isFirst = false;
  }

  /** Compares one decision with the levels, and narrows them to what it shows. */
  #look(row: number): void {
    const needs = this.#rule.needs(this.#decided(row));
    const open = this.#pending.reduce((sum, { costQuanta }) => sum + costQuanta, 0);
    if (this.#isAllowed(row)) {
      if (this.#highest < needs) this.#contradict();
      this.#lowest = Math.max(this.#lowest, needs);
      this.#highest = Math.max(this.#highest, needs);
    } else {
      if (this.#lowest - open > needs) this.#contradict();
      this.#isDenied = true;
      this.#highest = Math.min(this.#highest, needs);
      this.#lowest = Math.min(this.#lowest, needs + open);
    }
  }

  #contradict(): void {
    this.contradictions++;
    if (this.#isDenied) this.afterDenial++;
  }

  /** Charges without a reply that can no longer be made lower the lowest level for good. */
  #settle(nowUs: number): void {
    for (const { lastUs, costQuanta } of this.#pending) if (lastUs < nowUs) this.#lowest -= costQuanta;
    if (this.#pending.length > 0) this.#pending = this.#pending.filter(({ lastUs }) => lastUs >= nowUs);
  }

  #found(level: number, elapsedUs: number, row: number): number {
    return this.#rule.found({ ...this.#decided(row), level, elapsedUs });
  }

  #decided(row: number): Decided {
    return {
      policy: this.#policy,
      isFirst: this.#isFirst,
      level: 0,
      elapsedUs: 0,
      costQuanta: this.#costOf(row),
      isAllowed: this.#isAllowed(row),
      after: Number.NaN,
    };
  }

  #costOf(row: number): number {
    return (this.#table.costTokens[row] as number) * this.#policy.quantaPerToken;
  }

  #isAllowed(row: number): boolean {
    return ((this.#table.kinds[row] as number) & KIND.outcome) === KIND.allowed;
  }

  /** The least and the most time that the clock of the limiter shows in a time of the recorder. */
  #least(us: number): number {
    const { epsilonUs, backwardUs, spreadUs, slowPpm } = this.#context.clock;
    return Math.max(0, us * (1 + slowPpm / 1_000_000) - epsilonUs - backwardUs - spreadUs - 1);
  }

  #most(us: number): number {
    const { epsilonUs, rhoPpm } = this.#context.clock;
    return Math.max(0, us * (1 + rhoPpm / 1_000_000) + epsilonUs + 1);
  }
}
