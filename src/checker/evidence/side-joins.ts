import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import { findFalseDenials } from '../proofs/false-denial.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { countWhile } from '../rows/sort-rows.ts';
import type { SideFacts } from './facts.ts';
import { SeveralMarks } from './several-marks.ts';
import { Counting, type Sides } from './sides.ts';
import { type LookedAt, levelsOf } from './spent-levels.ts';

interface JoinsAsked {
  /** Those that are each to show it; of none, all together. */
  readonly policies?: readonly string[];
  /** Only denials of requests that were sent from then on join, and only by such admissions. */
  readonly fromUs?: number;
}

/**
 * Which sides were seen to count together.
 *
 * A denial by B joins B to A if it is false without the operations of A, and right with them: no placement of all other
 * operations leaves less than its cost (`false-denial.ts`), so what A had admitted is why B denied.
 *
 * If joins lead from each side to each other one, no group G of sides counts apart from the others and keeps the promise by
 * itself. For some join leads out of G, from B in it to A outside. A limiter of G alone was charged with the operations of
 * G, which are some of those without A. With fewer operations the lowest level is at no moment lower. So it held the cost,
 * and would have admitted what B denied.
 *
 * Of a time after a fault, a join counts both ways: requests without a reply that a side was sent during the fault can
 * explain its own denials until the end.
 *
 * Of windows whose place is not known, everything that can lie in one window with the denial counts: what ended less than
 * a window before it began, and of a sliding counter two, since it weighs the cell before the last one, too.
 *
 * A decision of several policies is denied if one of them lacks its cost. It joins B to A in a policy if that one
 * lacked it by what A had admitted and all others certainly held it; and in all policies at once, if without A each of
 * them held it.
 *
 * An operation whose side is not named, or that repeats a decision, may be of any side: it always counts, and joins none.
 */
export class SideJoins {
  readonly #table: OperationTable;
  readonly #sides: Sides;
  /** By policy, if each is to show it; else those of ''. */
  readonly #counting: ReadonlyMap<string, Counting>;
  /** Sides that were asked for a contested bucket for which another one was asked, too. */
  readonly #met = new Set<number>();
  readonly #fromUs: number;
  /** Of rows of several buckets: without which sides they are false, as bits; the first of all: with all of them. */
  readonly #marks: SeveralMarks;

  constructor(
    { operations }: Pick<History, 'operations'>,
    sides: Sides,
    { policies = [], fromUs = Number.NEGATIVE_INFINITY }: JoinsAsked = {},
  ) {
    this.#table = operations;
    this.#fromUs = fromUs;
    this.#sides = sides;
    this.#marks = new SeveralMarks(operations, sides.names.length + 1);
    const names = policies.length < 2 ? [''] : policies;
    this.#counting = new Map(names.map((name) => [name, new Counting(sides.names.length)]));
  }

  /** Looks for joins in the loaded bucket. */
  look(rows: BucketRows, judged: LookedAt): void {
    const asked = this.#askedOf(rows, judged);
    const counting = this.#countingOf(rows.bucket);
    const isApart = (side: number) => asked.some((other) => !counting.has(other, side));
    const levelOf = asked.some(isApart) ? levelsOf(rows, judged) : undefined;
    if (levelOf === undefined) return;
    const find = (some: BucketRows) => findFalseDenials(some, judged.context.known, levelOf()).rows();
    const unexplained = new Set(find(rows));
    for (const row of unexplained) this.#marks.mark(row, 0);
    if (!judged.isContested) return;
    for (const side of asked) this.#met.add(side);
    const isCharged = (kind: number) => (kind & KIND.outcome) !== KIND.denied;
    for (const side of this.#sidesIn(rows, isCharged)) {
      if (!isApart(side)) continue;
      const isSuch = (row: number) => this.#sides.of(row) === side && !this.#isRepeated(row);
      const others = rows.where((row) => !(isSuch(row) && this.#isLateEnough(row)), this.#withoutLate(side));
      for (const row of find(others)) {
        if (this.#marks.mark(row, side + 1) || unexplained.has(row) || this.#isRepeated(row)) continue;
        this.#join(counting, row, side);
      }
    }
  }

  /** Undefined of a history that names no side. `alone`: sides that may each count alone, with a smaller limit. */
  facts(alone: ReadonlySet<number> = new Set()): SideFacts | undefined {
    const { names } = this.#sides;
    if (names.length === 0) return undefined;
    this.#joinBySeveral();
    const found = [...this.#counting].map(([policy, counting]) => ({ policy, joined: counting.largest() }));
    const { policy, joined } = found.reduce((least, next) =>
      next.joined.length < least.joined.length ? next : least,
    );
    const sharing = joined.filter((side) => !alone.has(side));
    const together = new Set(sharing.length > 1 || names.length === 1 ? sharing : []);
    const left = [...names.keys()].filter((side) => !together.has(side));
    return {
      ...{ count: names.length, joined: together.size, leftOut: left.map((side) => names[side] as string) },
      ...(policy !== '' && left.length > 0 && { policy }),
      ...(left.some((side) => !this.#met.has(side)) && { neverMet: true as const }),
      ...(joined.length === names.length && left.length > 0 && { smallerLimit: true as const }),
    };
  }

  /** The sides that were asked for the loaded bucket; none if no denial of it can be a part of a join. */
  #askedOf(rows: BucketRows, { isContested }: LookedAt): number[] {
    const first = this.#table.kinds[rows.byInvoked[0] ?? 0] as number;
    const isPart = isContested || (rows.denials > 0 && (first & KIND.multiBucket) !== 0);
    return isPart && this.#sides.names.length > 1 ? this.#sidesIn(rows, () => true) : [];
  }

  #join(counting: Counting, row: number, side: number): void {
    if (!this.#isLateEnough(row)) return;
    const by = this.#sides.of(row);
    if (by < 0) return;
    counting.add(by, side);
    if (this.#fromUs !== Number.NEGATIVE_INFINITY) counting.add(side, by);
  }

  /** A side that counts alone from a time on has charged what it was asked before by then, or charges itself alone. */
  #withoutLate(side: number): OperationTable {
    const table = this.#table;
    const untilUs = this.#fromUs;
    if (untilUs === Number.NEGATIVE_INFINITY) return table;
    const isEarlier = (row: number) => this.#sides.of(row) === side && !this.#isLateEnough(row);
    return {
      ...table,
      lastUs: (row) => (isEarlier(row) ? Math.min(untilUs, table.lastUs(row)) : table.lastUs(row)),
    };
  }

  #isLateEnough(row: number): boolean {
    return (this.#table.invokedUs[row] as number) >= this.#fromUs;
  }

  #countingOf(bucket: number): Counting {
    const policy = this.#counting.has('') ? '' : this.#table.policyNameOf(bucket);
    return this.#counting.get(policy) ?? new Counting(this.#sides.names.length);
  }

  #isRepeated(row: number): boolean {
    return ((this.#table.kinds[row] as number) & KIND.joined) !== 0;
  }

  /** The sides of the rows of these kinds. */
  #sidesIn({ byInvoked, count }: BucketRows, isSuch: (kind: number) => boolean): number[] {
    const found = new Set<number>();
    for (let at = 0; at < count; at++) {
      const row = byInvoked[at] as number;
      if (isSuch(this.#table.kinds[row] as number)) found.add(this.#sides.of(row));
    }
    found.delete(-1);
    return [...found];
  }

  #joinBySeveral(): void {
    const marks = this.#marks;
    const together = this.#counting.get('');
    marks.eachDenial((charges) => {
      const lacking = charges.filter((row) => !marks.has(row, 0) && !this.#isRepeated(row));
      const [first] = lacking;
      if (first === undefined || (together === undefined && lacking.length > 1)) return;
      const counting = together ?? this.#countingOf(this.#bucketOf(first));
      for (const side of this.#sides.names.keys())
        if (lacking.every((row) => marks.has(row, side + 1))) this.#join(counting, first, side);
    });
  }

  #bucketOf(row: number): number {
    const { starts, bucketCount } = this.#table;
    return countWhile(starts, bucketCount, (start) => start <= row) - 1;
  }
}
