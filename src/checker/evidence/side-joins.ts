import type { Policy } from '../../core/policy.ts';
import type { WindowPromise } from '../../core/promise.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import { type CheckerContext, clockOf } from '../bucket-result.ts';
import type { CheckOptions } from '../check-options.ts';
import { isOnCorrectness } from '../claims/evidence-claims.ts';
import { findFalseDenials } from '../proofs/false-denial.ts';
import { doesLagFade } from '../proofs/lag.ts';
import { bucketLevel, type LowestLevel, windowLevel } from '../proofs/lowest-level.ts';
import { eachDenialOfSeveral } from '../proofs/multi-bucket-denials.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { countWhile } from '../rows/sort-rows.ts';
import { judgesDenials } from '../windows/clock.ts';
import { plannedPolicies } from './contested-facts.ts';
import type { SideFacts } from './facts.ts';
import { Groups, type Sides, sidesOf } from './sides.ts';

interface LookedAt {
  readonly policy: Policy;
  readonly context: CheckerContext;
  readonly isContested: boolean;
}

/**
 * Which sides were seen to count together.
 *
 * A denial by B joins B and A if it is false without the operations of A, and right with them: no placement of all other
 * operations leaves less than its cost (`false-denial.ts`), so what A had admitted is why B denied.
 *
 * If the joins connect all sides, no group G of sides counts apart from the others and keeps the promise by itself. For
 * some join leads out of G, from B in it to A outside. A limiter of G alone was charged with the operations of G, which
 * are some of those without A. With fewer operations the lowest level is at no moment lower. So it held the cost, and
 * would have admitted what B denied.
 *
 * Of windows whose place is not known, everything that can lie in one window with the denial counts: what ended less than
 * a window before it began, and of a sliding counter two, since it weighs the cell before the last one, too.
 *
 * A decision of several policies is denied if one of them lacks its cost. It joins two sides in a policy if that one
 * lacked it by what A had admitted and all others certainly held it; and in all policies at once, if without A each of
 * them held it.
 *
 * An operation whose side is not named, or that repeats a decision, may be of any side: it always counts, and joins none.
 */
export class SideJoins {
  readonly #table: OperationTable;
  readonly #sides: Sides;
  /** By policy, if each is to show it; else those of ''. */
  readonly #groups: ReadonlyMap<string, Groups>;
  /** Sides that were asked for a contested bucket for which another one was asked, too. */
  readonly #met = new Set<number>();
  /** Of rows of several buckets: without which sides they are false, as bits; the first of all: with all of them. */
  #marks: Uint32Array | undefined;

  /** `policies`: those that are each to show it; of none, all together. */
  constructor({ operations }: Pick<History, 'operations'>, sides: Sides, policies: readonly string[] = []) {
    this.#table = operations;
    this.#sides = sides;
    const names = policies.length < 2 ? [''] : policies;
    this.#groups = new Map(names.map((name) => [name, new Groups(sides.names.length)]));
  }

  /** Looks for joins in the loaded bucket. */
  look(rows: BucketRows, judged: LookedAt): void {
    const asked = this.#askedOf(rows, judged);
    const groups = this.#groupsOf(rows.bucket);
    const isApart = (side: number) => asked.some((other) => groups.of(other) !== groups.of(side));
    const levelOf = asked.some(isApart) ? levelsOf(rows, judged) : undefined;
    if (levelOf === undefined) return;
    const find = (some: BucketRows) => findFalseDenials(some, judged.context.known, levelOf()).rows();
    const unexplained = new Set(find(rows));
    for (const row of unexplained) this.#mark(row, 0);
    if (!judged.isContested) return;
    for (const side of asked) this.#met.add(side);
    const isCharged = (kind: number) => (kind & KIND.outcome) !== KIND.denied;
    for (const side of this.#sidesIn(rows, isCharged)) {
      if (!isApart(side)) continue;
      const others = rows.where((row) => this.#sides.of(row) !== side || this.#isRepeated(row));
      for (const row of find(others)) {
        if (this.#mark(row, side + 1) || unexplained.has(row) || this.#isRepeated(row)) continue;
        this.#join(groups, row, side);
      }
    }
  }

  /** Undefined of a history that names no side. */
  facts(): SideFacts | undefined {
    const { names } = this.#sides;
    if (names.length === 0) return undefined;
    this.#joinBySeveral();
    const found = [...this.#groups].map(([policy, groups]) => ({ policy, joined: groups.largest() }));
    const { policy, joined } = found.reduce((least, next) =>
      next.joined.length < least.joined.length ? next : least,
    );
    const together = new Set(joined.length > 1 || names.length === 1 ? joined : []);
    const left = [...names.keys()].filter((side) => !together.has(side));
    return {
      ...{ count: names.length, joined: together.size, leftOut: left.map((side) => names[side] as string) },
      ...(policy !== '' && left.length > 0 && { policy }),
      ...(left.some((side) => !this.#met.has(side)) && { neverMet: true as const }),
    };
  }

  /** The sides that were asked for the loaded bucket; none if no denial of it can be a part of a join. */
  #askedOf(rows: BucketRows, { isContested }: LookedAt): number[] {
    const first = this.#table.kinds[rows.byInvoked[0] ?? 0] as number;
    const isPart = isContested || (rows.denials > 0 && (first & KIND.multiBucket) !== 0);
    return isPart && this.#sides.names.length > 1 ? this.#sidesIn(rows, () => true) : [];
  }

  #join(groups: Groups | undefined, row: number, side: number): void {
    const by = this.#sides.of(row);
    if (by >= 0) groups?.join(by, side);
  }

  #groupsOf(bucket: number): Groups {
    const policy = this.#groups.has('') ? '' : this.#table.policyNameOf(bucket);
    return this.#groups.get(policy) ?? new Groups(this.#sides.names.length);
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

  get #words(): number {
    return Math.ceil((this.#sides.names.length + 1) / 32);
  }

  /** Marks the row of a decision of several buckets, which is looked at when all are known; false for any other. */
  #mark(row: number, bit: number): boolean {
    if (((this.#table.kinds[row] as number) & KIND.multiBucket) === 0) return false;
    this.#marks ??= new Uint32Array(this.#table.rows * this.#words);
    const at = row * this.#words + (bit >>> 5);
    this.#marks[at] = (this.#marks[at] as number) | (1 << (bit & 31));
    return true;
  }

  #joinBySeveral(): void {
    const marks = this.#marks;
    if (marks === undefined) return;
    const words = this.#words;
    const has = (row: number, bit: number) =>
      (((marks[row * words + (bit >>> 5)] as number) >>> (bit & 31)) & 1) === 1;
    const together = this.#groups.get('');
    eachDenialOfSeveral(this.#table, (charges) => {
      const lacking = charges.filter((row) => !has(row, 0) && !this.#isRepeated(row));
      const [first] = lacking;
      if (first === undefined || (together === undefined && lacking.length > 1)) return;
      const groups = together ?? this.#groupsOf(this.#bucketOf(first));
      for (const side of this.#sides.names.keys())
        if (lacking.every((row) => has(row, side + 1))) this.#join(groups, first, side);
    });
  }

  #bucketOf(row: number): number {
    const { starts, bucketCount } = this.#table;
    return countWhile(starts, bucketCount, (start) => start <= row) - 1;
  }
}

/** Undefined if no claim needs evidence of sides: the search takes time. */
export function makeSideJoins(history: History, options: CheckOptions): SideJoins | undefined {
  const { claims, contestedBucketsAtLeast = 0 } = options;
  const isNeeded =
    claims?.some((claim) => claim.measure === 'sides' || isOnCorrectness(claim)) ??
    contestedBucketsAtLeast > 0;
  if (!isNeeded) return undefined;
  return new SideJoins(history, sidesOf(history, options.instances), plannedPolicies(history, options));
}

/** Makes the lowest level of the loaded bucket without spends; undefined if the promise says nothing of it. */
function levelsOf(rows: BucketRows, { policy, context }: LookedAt): (() => LowestLevel) | undefined {
  const { known, windows, movesOf } = context;
  if (windows !== undefined) {
    if (movesOf(rows.bucket).length > 0) return undefined;
    const promise = judgesDenials(windows) ? windows.promise : asSliding(windows.promise);
    return () => windowLevel({ ...windows, promise }, known);
  }
  const clock = clockOf(context, rows.bucket);
  const fades = doesLagFade(rows, policy, []);
  return () => bucketLevel(policy, { clock, known, fades });
}

/** A sliding window that holds whatever a window of this promise can hold at a moment. */
function asSliding({ type, limit, windowUs }: WindowPromise): WindowPromise {
  return { type: 'sliding-window', limit, windowUs: type === 'sliding-counter' ? 2 * windowUs : windowUs };
}
