import { MOST_QUANTA, type Policy } from '../../../core/policy.ts';
import { KIND, type OperationTable } from '../../../history/columns/table.ts';
import type { BucketResult, CheckerContext } from '../../bucket-result.ts';
import { type JudgedDenials, judgeDenials } from '../../proofs/false-denial.ts';
import { doesLagFade } from '../../proofs/lag.ts';
import { bucketLevel } from '../../proofs/lowest-level.ts';
import { findOverAdmission, isOverAdmitted } from '../../proofs/over-admission.ts';
import { BucketRows } from '../../rows/bucket-rows.ts';
import { DecisionOrder } from '../../rows/decision-order.ts';

/** Another policy than the promised one: a capacity `times` as large and `plus` tokens larger, a refill `refill` times as fast. */
export interface Change {
  readonly times?: number;
  readonly plus?: number;
  readonly refill?: number;
}

/** A cause that explains all findings of a trial, and contradicts nothing in it. */
export interface Explanation {
  /** Whether the history shows it by enough violations, and so sharply that a little more or less is refuted. */
  readonly isStrong: boolean;
  readonly sentence: string;
}

interface TrialOf {
  readonly table: OperationTable;
  readonly context: CheckerContext;
  readonly buckets: readonly number[];
  readonly drops: number;
  readonly falseDenials: number;
  readonly wrongLevels: number;
  readonly brokenWindows: number;
}

/** The most rows on which a cause is tried: each is tried with several policies. */
const MOST_ROWS = 20_000;

/** What is most, and which part of the capacity is short. */
const MOST = 0.75;
const SHORT = 0.05;

/** Changed policies are exact to a thousandth, up to the largest change. */
const PARTS = 1_000;
const LARGEST_CHANGE = 64;

/**
 * A sample of buckets, with findings and without, on which the cause of the findings is tried: a cause must explain all of
 * its buckets. A changed policy explains a bucket if a bucket of that policy can have admitted all that was admitted, and
 * may have denied all that was denied; the first holds for every larger policy, the second for every smaller one.
 */
export class Trial {
  readonly table: OperationTable;
  readonly context: CheckerContext;
  readonly buckets: readonly number[];
  /** Operations that were admitted beyond the promise, and false denials. */
  readonly drops: number;
  readonly falseDenials: number;
  /** Levels of replies that the promised bucket does not explain. */
  readonly wrongLevels: number;
  readonly brokenWindows: number;
  readonly rows: BucketRows;
  #firstUs: number | undefined;

  constructor({ table, context, buckets, drops, falseDenials, wrongLevels, brokenWindows }: TrialOf) {
    this.table = table;
    this.context = context;
    this.drops = drops;
    this.falseDenials = falseDenials;
    this.wrongLevels = wrongLevels;
    this.brokenWindows = brokenWindows;
    this.buckets = buckets;
    this.rows = new BucketRows(table);
  }

  static of(table: OperationTable, withFindings: readonly BucketResult[], context: CheckerContext): Trial {
    const buckets = sampleOf(table, withFindings);
    const isSampled = new Set(buckets);
    const found = withFindings.filter(({ bucket }) => isSampled.has(bucket));
    return new Trial({
      table,
      context,
      buckets,
      drops: found.reduce((sum, { over }) => sum + over.drops.length, 0),
      falseDenials: found.reduce((sum, { denials }) => sum + denials.length, 0),
      wrongLevels: found.reduce((sum, { replay }) => sum + replay.findings.length, 0),
      brokenWindows: found.reduce((sum, { windows }) => sum + windows.length, 0),
    });
  }

  /**
   * The same in another unit of time: all times by the limiter's clock, `factor` of them a microsecond, since the first
   * operation.
   */
  inUnits(factor: number): Trial {
    const { table, context } = this;
    const { rhoPpm, slowPpm, epsilonUs } = context.clock;
    const speed = factor * (1 + (rhoPpm + slowPpm) / 2_000_000);
    const firstUs = table.invokedUs.reduce((first, us) => Math.min(first, us), Number.POSITIVE_INFINITY);
    const floor = (us: number) => Math.floor((us - firstUs) * speed);
    const ceil = (us: number) => Math.ceil((us - firstUs) * speed);
    const clock = { ...context.clock, rhoPpm: 0, slowPpm: 0, epsilonUs: epsilonUs * factor };
    const { knownFromUs, judgedFromUs, judgedUntilUs } = context.known;
    const known = {
      ...context.known,
      knownFromUs: ceil(knownFromUs),
      judgedFromUs: ceil(judgedFromUs),
      judgedUntilUs: floor(judgedUntilUs),
    };
    return new Trial({
      ...this,
      table: { ...table, invokedUs: table.invokedUs.map(floor), lastUs: (row) => ceil(table.lastUs(row)) },
      context: { ...context, clock, known },
    });
  }

  /** How far the limiter's clock may be from a constant offset: the readings, and the rounding of its rate to a millionth. */
  wanderUs(): number {
    const { invokedUs } = this.table;
    let [firstUs, lastUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const us of invokedUs) [firstUs, lastUs] = [Math.min(firstUs, us), Math.max(lastUs, us)];
    return this.context.clock.epsilonUs + Math.ceil((lastUs - firstUs) / 1_000_000);
  }

  /** The excesses of the promise: admissions beyond a bucket, or broken windows. */
  get excesses(): number {
    return this.context.windows === undefined ? this.drops : this.brokenWindows;
  }

  /** Whether every row of the sample is one request for one bucket that the shared limiter decided, without refunds. */
  get isPlain(): boolean {
    if (this.drops + this.falseDenials + this.wrongLevels + this.brokenWindows === 0) return false;
    const { kinds, costTokens, starts } = this.table;
    return this.buckets.every((bucket) => {
      const { capacityQuanta, quantaPerUs } = this.table.policyOf(bucket);
      const slackQuanta = (1 + this.context.clock.epsilonUs) * quantaPerUs;
      if ((capacityQuanta + slackQuanta) * PARTS * LARGEST_CHANGE > MOST_QUANTA) return false;
      for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++)
        if (
          (costTokens[row] as number) < 0 ||
          ((kinds[row] as number) & (KIND.multiBucket | KIND.fallback)) !== 0
        )
          return false;
      return true;
    });
  }

  /** When the history began. */
  get firstUs(): number {
    this.#firstUs ??= this.table.invokedUs.reduce(
      (first, us) => Math.min(first, us),
      Number.POSITIVE_INFINITY,
    );
    return this.#firstUs;
  }

  /** One token says nothing about bursts. */
  get hasBursts(): boolean {
    return this.buckets.every((bucket) => this.table.policyOf(bucket).capacityTokens >= 2);
  }

  /** The rows of a bucket that say their level, node by node in the order of its own time. In scratch space of the rows. */
  order(rows: BucketRows): Uint32Array {
    const { levels } = this.table;
    return levels === undefined ? new Uint32Array(0) : new DecisionOrder(this.table, levels).sorted(rows);
  }

  /**
   * Whether the history is sharp: most operations took less time than refill needs for a token or for a part of the
   * capacity, and most denials could be refuted.
   */
  get isSharp(): boolean {
    const seen = { rows: 0, short: 0, denials: 0, excused: 0 };
    this.some((rows, policy) => {
      const mostUs = shortUs(policy);
      seen.rows += rows.count;
      for (let at = 0; at < rows.count; at++) {
        const row = rows.byInvoked[at] as number;
        if (this.table.lastUs(row) - (this.table.invokedUs[row] as number) <= mostUs) seen.short++;
      }
      seen.denials += rows.denials;
      seen.excused += this.#judged(rows, policy).excused;
      return false;
    });
    return seen.short >= MOST * seen.rows && seen.excused <= (1 - MOST) * seen.denials;
  }

  explains(change: Change): boolean {
    return !this.admitsBeyond(change) && !this.deniesBelow(change);
  }

  /** Whether a bucket admitted more than the changed policy allows. */
  admitsBeyond(change: Change): boolean {
    return this.some((rows, policy) => isOverAdmitted(rows, changed(policy, change), this.context.clock, []));
  }

  /** Whether a bucket denied what a bucket of the changed policy would have admitted. */
  deniesBelow(change: Change): boolean {
    return this.some((rows, policy) => this.#judged(rows, changed(policy, change)).denials.length > 0);
  }

  /** How many admissions are beyond the changed policy. */
  countBeyond(change: Change): number {
    return this.sum(
      (rows, policy) => findOverAdmission(rows, changed(policy, change), this.context.clock).drops.length,
    );
  }

  /** How many denials are false for the changed policy. */
  countBelow(change: Change): number {
    return this.sum((rows, policy) => this.#judged(rows, changed(policy, change)).denials.length);
  }

  /** The sum over all buckets of the sample. */
  sum(countOf: (rows: BucketRows, policy: Policy) => number): number {
    let sum = 0;
    this.some((rows, policy) => {
      sum += countOf(rows, policy);
      return false;
    });
    return sum;
  }

  /** Whether any bucket of the sample satisfies a condition. */
  some(holds: (rows: BucketRows, policy: Policy) => boolean): boolean {
    return this.buckets.some((bucket) => {
      this.rows.load(bucket);
      return holds(this.rows, this.table.policyOf(bucket));
    });
  }

  #judged(rows: BucketRows, policy: Policy): JudgedDenials {
    const { clock, known } = this.context;
    const fades = rows.denials > 0 && doesLagFade(rows, policy, []);
    return judgeDenials(rows, known, {
      levelOf: () => bucketLevel(policy, { clock, known, fades }),
      mostQuanta: policy.capacityQuanta,
    });
  }
}

/** The time in which refill gives a token or a part of the capacity: shorter operations are sharp. */
export function shortUs({ quantaPerToken, quantaPerUs, capacityQuanta }: Policy): number {
  return Math.max(quantaPerToken, SHORT * capacityQuanta) / quantaPerUs;
}

function changed(policy: Policy, { times = 1, plus = 0, refill = 1 }: Change): Policy {
  const quantaPerToken = policy.quantaPerToken * PARTS;
  const capacityTokens = policy.capacityTokens * times + plus;
  return {
    capacityTokens,
    refill: policy.refill,
    quantaPerToken,
    quantaPerUs: Math.round(policy.quantaPerUs * PARTS * refill),
    capacityQuanta: Math.round(capacityTokens * quantaPerToken),
  };
}

/** The buckets with findings, then others, while they have few enough rows together. */
function sampleOf(table: OperationTable, withFindings: readonly BucketResult[]): number[] {
  const { starts, bucketCount } = table;
  const found = withFindings.map(({ bucket }) => bucket);
  const isFound = new Set(found);
  const sample: number[] = [];
  let left = MOST_ROWS;
  const add = (bucket: number) => {
    const count = (starts[bucket + 1] as number) - (starts[bucket] as number);
    if (count > left) return;
    left -= count;
    sample.push(bucket);
  };
  for (const bucket of found) add(bucket);
  for (let bucket = 0; bucket < bucketCount; bucket++) if (!isFound.has(bucket)) add(bucket);
  return sample;
}
