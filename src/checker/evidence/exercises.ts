import { secondsText } from '../../core/units.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { findFalseDenials } from '../proofs/false-denial.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { FULL, type Known } from '../rows/coverage.ts';
import type { ExerciseFacts } from './facts.ts';
import type { Planned } from './planned.ts';
import { SeveralMarks } from './several-marks.ts';
import { type LookedAt, levelsOf } from './spent-levels.ts';

/** A defect that a limiter may have. */
interface Supposed {
  /** The policy that it is about. */
  readonly policy: string;
  facts(isExercised: boolean): ExerciseFacts;
  /** The denials of the loaded bucket that are false if the limiter has it. */
  falseIn(rows: BucketRows, judged: LookedAt): Iterable<number>;
  /** Called if a denial of the loaded bucket refutes it. It is looked for no more, unless this returns true. */
  onRefuted?(): boolean;
}

/**
 * Whether what a plan asks for was seen to matter. It is supposed that the limiter forgets a bucket that rests, lets a cost
 * through, charges it as the least one, or does not enforce a policy. A denial refutes that if it is right by all
 * operations, and false by those that such a limiter counts: it would have admitted the request. A decision of several
 * buckets refutes it if that holds for each bucket that may have lacked its cost.
 */
export class Exercises {
  readonly #table: OperationTable;
  readonly #supposed: readonly Supposed[];
  readonly #refuted = new Set<Supposed>();
  readonly #open: Set<Supposed>;
  /** The first bit: false by all operations; then a bit for each defect. */
  readonly #marks: SeveralMarks;

  constructor(table: OperationTable, { costs = {}, policies = [], restsUs = {} }: Planned) {
    this.#table = table;
    this.#supposed = [
      ...Object.entries(costs).flatMap(([policy, all]) => ofCosts(table, policy, all)),
      ...policies.map((policy) => new Unenforced(policy)),
      ...Object.entries(restsUs).map(([policy, leastUs]) => new Forgotten(policy, leastUs)),
    ];
    this.#open = new Set(this.#supposed);
    this.#marks = new SeveralMarks(table, this.#supposed.length + 1);
  }

  /** Looks for denials of the loaded bucket that refute something. */
  look(rows: BucketRows, judged: LookedAt): void {
    if (this.#open.size === 0 || rows.denials === 0) return;
    const isOfSeveral = this.#isOfSeveral(rows.byInvoked[0] ?? 0);
    const levelOf = judged.isContested || isOfSeveral ? levelsOf(rows, judged) : undefined;
    if (levelOf === undefined) return;
    let known: ReadonlySet<number> | undefined;
    const unexplained = () =>
      (known ??= new Set(findFalseDenials(rows, judged.context.known, levelOf()).rows()));
    if (isOfSeveral) for (const row of unexplained()) this.#marks.mark(row, 0);
    const name = this.#table.policyNameOf(rows.bucket);
    for (const [at, supposed] of this.#supposed.entries()) {
      if (supposed.policy !== name || !this.#open.has(supposed)) continue;
      for (const row of supposed.falseIn(rows, judged)) {
        if (this.#marks.mark(row, at + 1) || unexplained().has(row) || this.#isRepeated(row)) continue;
        this.#refute(supposed);
        break;
      }
    }
  }

  facts(): ExerciseFacts[] {
    this.#marks.eachDenial((charges) => {
      const lacking = charges.filter((row) => !this.#marks.has(row, 0) && !this.#isRepeated(row));
      if (lacking.length === 0) return;
      for (const [at, supposed] of this.#supposed.entries())
        if (lacking.every((row) => this.#marks.has(row, at + 1))) this.#refuted.add(supposed);
    });
    return this.#supposed.map((supposed) => supposed.facts(this.#refuted.has(supposed)));
  }

  #refute(supposed: Supposed): void {
    this.#refuted.add(supposed);
    if (supposed.onRefuted?.() !== true) this.#open.delete(supposed);
  }

  #isOfSeveral(row: number): boolean {
    return ((this.#table.kinds[row] as number) & KIND.multiBucket) !== 0;
  }

  #isRepeated(row: number): boolean {
    return ((this.#table.kinds[row] as number) & KIND.joined) !== 0;
  }
}

/** The denials of the loaded rows that satisfy a condition. */
function* denialsOf({ table, byInvoked, count }: BucketRows, holds: (row: number) => boolean = () => true) {
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    const kind = table.kinds[row] as number;
    if ((kind & (KIND.outcome | KIND.fallback)) === KIND.denied && holds(row)) yield row;
  }
}

/** The rows that are false denials by a level that is known like this. */
function falseBy(rows: BucketRows, judged: LookedAt, known: Known = judged.context.known): Iterable<number> {
  const levelOf = levelsOf(rows, {
    ...judged,
    context: { ...judged.context, known: { ...judged.context.known, ...known } },
  });
  return levelOf === undefined ? [] : findFalseDenials(rows, known, levelOf()).rows();
}

/** A policy is not enforced: no denial is right by it. */
class Unenforced implements Supposed {
  readonly policy: string;

  constructor(policy: string) {
    this.policy = policy;
  }

  falseIn(rows: BucketRows) {
    return denialsOf(rows);
  }

  facts(isExercised: boolean): ExerciseFacts {
    return isExercised
      ? { isExercised, about: `policy ${this.policy} denied what all others allowed` }
      : {
          isExercised,
          about: `policy ${this.policy} may not be enforced, since another one was stricter`,
          wayOut: 'take policies of which each is the stricter one at some time (--policy, --cost)',
        };
  }
}

function ofCosts(table: OperationTable, policy: string, costs: readonly number[]): Supposed[] {
  const least = Math.min(...costs);
  const larger = [...new Set(costs)].filter((cost) => cost > least).sort((a, b) => a - b);
  return larger.flatMap((cost) => [
    new LetThrough(policy, cost),
    new ChargedLess(table, policy, { cost, as: least }),
  ]);
}

const OTHER_COSTS = 'take fewer users, a longer load, or costs that more buckets can pay (--cost)';

function costText(policy: string, cost: number): string {
  return `a cost of ${cost}${policy === '' ? '' : ` of policy ${policy}`}`;
}

/** Requests of a cost are never denied. */
class LetThrough implements Supposed {
  readonly policy: string;
  readonly #cost: number;

  constructor(policy: string, cost: number) {
    this.policy = policy;
    this.#cost = cost;
  }

  falseIn(rows: BucketRows) {
    return denialsOf(rows, (row) => rows.table.costTokens[row] === this.#cost);
  }

  facts(isExercised: boolean): ExerciseFacts {
    const cost = costText(this.policy, this.#cost);
    return isExercised
      ? { isExercised, about: `${cost} was denied` }
      : { isExercised, about: `${cost} may be let through`, wayOut: OTHER_COSTS };
  }
}

/** Admissions of a cost are charged as those of the least one. */
class ChargedLess implements Supposed {
  readonly policy: string;
  readonly #table: OperationTable;
  readonly #charged: { readonly cost: number; readonly as: number };
  #changed: OperationTable | undefined;

  constructor(table: OperationTable, policy: string, charged: { cost: number; as: number }) {
    this.#table = table;
    this.policy = policy;
    this.#charged = charged;
  }

  falseIn(rows: BucketRows, judged: LookedAt) {
    this.#changed ??= this.#withLess();
    return falseBy(
      rows.where(() => true, this.#changed),
      judged,
    );
  }

  onRefuted(): boolean {
    this.#changed = undefined;
    return false;
  }

  facts(isExercised: boolean): ExerciseFacts {
    const cost = costText(this.policy, this.#charged.cost);
    return isExercised
      ? { isExercised, about: `${cost} was charged` }
      : { isExercised, about: `${cost} may be charged as ${this.#charged.as}`, wayOut: OTHER_COSTS };
  }

  #withLess(): OperationTable {
    const { kinds, costTokens } = this.#table;
    const { cost, as } = this.#charged;
    const isDenial = (row: number) => ((kinds[row] as number) & KIND.outcome) === KIND.denied;
    const less = costTokens.map((tokens, row) => (tokens === cost && !isDenial(row) ? as : tokens));
    return { ...this.#table, costTokens: less };
  }
}

/** A bucket is full after a rest. */
class Forgotten implements Supposed {
  readonly policy: string;
  readonly #leastUs: number;
  #longestUs = 0;
  #lookedAtUs = 0;

  constructor(policy: string, leastUs: number) {
    this.policy = policy;
    this.#leastUs = leastUs;
  }

  *falseIn(rows: BucketRows, judged: LookedAt) {
    const { policy, context } = judged;
    const toFullUs = context.windows?.promise.windowUs ?? policy.capacityQuanta / policy.quantaPerUs;
    for (const { after, lengthUs } of restsOf(rows, { atLeastUs: this.#leastUs, belowUs: toFullUs })) {
      if (lengthUs <= this.#longestUs) return;
      this.#lookedAtUs = lengthUs;
      yield* falseBy(after, judged, FULL);
    }
  }

  onRefuted(): boolean {
    this.#longestUs = this.#lookedAtUs;
    return true;
  }

  facts(isExercised: boolean): ExerciseFacts {
    const bucket = `a bucket${this.policy === '' ? '' : ` of policy ${this.policy}`}`;
    const longestUs = Math.max(this.#leastUs, this.#longestUs);
    return isExercised
      ? { isExercised, about: `${bucket} was kept over a rest of ${secondsText(longestUs, 1)} s` }
      : {
          isExercised,
          about: `${bucket} that rests for ${secondsText(this.#leastUs, 1)} s may be forgotten`,
          wayOut:
            'let more users rest (--resting), for less than a bucket takes to be full (--rest), and send so much that they drain it again (--rate, --burst)',
        };
  }
}

/**
 * The times of such a length without a request in the loaded bucket, the longest first, with the rows until the next one.
 * Requests without a reply are among them, since they may be charged after the rest.
 */
function restsOf(rows: BucketRows, { atLeastUs, belowUs }: { atLeastUs: number; belowUs: number }) {
  const { table, byInvoked, count } = rows;
  const unanswered: number[] = [];
  const rests: { at: number; lengthUs: number; before: number[] }[] = [];
  let busyUntilUs = Number.POSITIVE_INFINITY;
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    const invokedUs = table.invokedUs[row] as number;
    const lengthUs = invokedUs - busyUntilUs;
    if (lengthUs >= atLeastUs) rests.push({ at, lengthUs, before: [...unanswered] });
    const lastUs = table.lastUs(row);
    const isUnanswered = lastUs === Number.POSITIVE_INFINITY;
    if (isUnanswered) unanswered.push(row);
    const untilUs = isUnanswered ? invokedUs : lastUs;
    busyUntilUs = at === 0 ? untilUs : Math.max(busyUntilUs, untilUs);
  }
  const after = (at: number, next = count) => byInvoked.subarray(at, next);
  return rests
    .map(({ at, lengthUs, before }, i) => ({
      lengthUs,
      after: rows.some([...before, ...after(at, rests[i + 1]?.at)]),
    }))
    .filter(({ lengthUs }) => lengthUs < belowUs)
    .sort((a, b) => b.lengthUs - a.lengthUs);
}
