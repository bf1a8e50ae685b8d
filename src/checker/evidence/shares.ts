import type { Policy } from '../../core/policy.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { BucketResult } from '../bucket-result.ts';
import type { ClockSlack } from '../clocks/bounds.ts';
import type { Refund } from '../proofs/refund.ts';
import { findWorstShare } from '../proofs/window-excess.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { runExact } from './exact.ts';
import { type Phase, phaseOf } from './phases.ts';

/** An amount in one bucket, as a share of an ideal amount. Of an excess in tokens, of false denials in requests. */
export interface BucketShare {
  readonly bucket: string;
  readonly amount: number;
  readonly of: number;
  /** null: `of` is 0. */
  readonly share: number | null;
}

/** Of the whole run or one phase: the bucket with the largest share. Absent: no bucket has one. */
export interface ShareRow {
  /** The excess, of what an ideal bucket would have admitted of the same requests. */
  readonly excess?: BucketShare;
  /** The false denials, of the requests that an ideal bucket would have admitted. Drainable buckets only. */
  readonly falseDenials?: BucketShare;
  /** The part of `falseDenials` that missing requests cannot explain; absent if that is all. */
  readonly certainDenials?: BucketShare;
  /** What missing requests can explain. */
  readonly doubtfulExcess?: BucketShare;
  readonly doubtfulDenials?: BucketShare;
}

/** The excess of one window, as a share of its allowance. */
export interface WindowOfShare extends BucketShare {
  readonly startUs: number;
  readonly endUs: number;
}

export interface Shares {
  /** The buckets in which an ideal bucket would have admitted at least its capacity. */
  readonly drainable: number;
  readonly whole: ShareRow;
  /** In the order of the phases. */
  readonly phases: readonly ShareRow[];
  readonly window?: WindowOfShare;
  readonly doubtfulWindow?: WindowOfShare;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Finds the buckets with the largest shares. Buckets without a finding cost nothing. */
export class LargestShares {
  readonly #table: OperationTable;
  readonly #phases: readonly Phase[];
  readonly #clock: ClockSlack;
  /** The whole run, then its phases. */
  readonly #places: readonly Writable<ShareRow>[];
  readonly #windows: { window?: WindowOfShare; doubtfulWindow?: WindowOfShare } = {};

  constructor(table: OperationTable, phases: readonly Phase[], clock: ClockSlack) {
    this.#table = table;
    this.#phases = phases;
    this.#clock = clock;
    this.#places = [{}, ...phases.map(() => ({}))];
  }

  addExcess(rows: BucketRows, { bucket, over, refunds }: BucketResult, isDoubtful: boolean): void {
    if (over.drops.length === 0) return;
    rows.load(bucket);
    const policy = this.#table.policyOf(bucket);
    const { tokens } = this.#exact(rows, policy, refunds);
    const { all: excess, add } = this.#sums();
    for (const { row, quanta } of over.drops) add(row, quanta);
    for (const [at, place] of this.#places.entries())
      this.#keep(place, isDoubtful ? 'doubtfulExcess' : 'excess', {
        bucket: this.#table.nameOf(bucket),
        amount: (excess[at] as number) / policy.quantaPerToken,
        of: tokens[at] as number,
        share: shareOf(excess[at] as number, (tokens[at] as number) * policy.quantaPerToken),
      });
    const key = isDoubtful ? 'doubtfulWindow' : 'window';
    const above = this.#windows[key]?.share ?? 0;
    if (over.totalExcessQuanta / policy.capacityQuanta <= above) return; // no window has more
    const worst = findWorstShare(rows, { policy, clock: this.#clock, refunds }, above);
    if (worst === undefined) return;
    const { share, startUs, endUs } = worst;
    this.#windows[key] = {
      ...{ bucket: this.#table.nameOf(bucket), share, startUs, endUs },
      amount: worst.excessQuanta / policy.quantaPerToken,
      of: worst.allowanceQuanta / policy.quantaPerToken,
    };
  }

  /** `kept`: the result without what missing requests can explain. */
  addDenials(rows: BucketRows, { bucket, denials, refunds }: BucketResult, kept: BucketResult): void {
    if (denials.length === 0) return;
    rows.load(bucket);
    const policy = this.#table.policyOf(bucket);
    const exact = this.#exact(rows, policy, refunds);
    if ((exact.tokens[0] as number) < policy.capacityTokens) return;
    const isDoubtful = kept.denials.length === 0;
    const explained = denials.length - (kept.certainDenials ?? denials.length);
    const { all: counts, add } = this.#sums();
    for (const row of denials.rows()) add(row, 1);
    for (const [at, place] of this.#places.entries()) {
      const of = exact.requests[at] as number;
      const keep = (key: keyof ShareRow, amount: number) =>
        this.#keep(place, key, {
          ...{ bucket: this.#table.nameOf(bucket), amount, of },
          share: shareOf(amount, of),
        });
      const count = counts[at] as number;
      keep(isDoubtful ? 'doubtfulDenials' : 'falseDenials', count);
      if (!isDoubtful) keep('certainDenials', count - explained);
    }
  }

  found(drainable: number): Shares {
    const [whole = {}, ...phases] = this.#places;
    return { drainable, whole, phases, ...this.#windows };
  }

  #keep(place: Writable<ShareRow>, key: keyof ShareRow, next: BucketShare): void {
    if (next.amount > 0 && isLarger(next, place[key])) place[key] = next;
  }

  /** What an ideal bucket would have admitted of the requests of the loaded bucket. */
  #exact(rows: BucketRows, policy: Policy, refunds: readonly Refund[]) {
    const [tokens, requests] = [this.#sums(), this.#sums()];
    const admit = (row: number) => {
      tokens.add(row, this.#table.costTokens[row] as number);
      requests.add(row, 1);
    };
    runExact(rows, policy, admit, refunds);
    return { tokens: tokens.all, requests: requests.all };
  }

  /** Sums of the whole run, then of each phase. */
  #sums() {
    const all = this.#places.map(() => 0);
    const add = (row: number, amount: number) => {
      const place = 1 + phaseOf(this.#phases, this.#table, row);
      all[0] = (all[0] as number) + amount;
      all[place] = (all[place] as number) + amount;
    };
    return { all, add };
  }
}

function shareOf(amount: number, of: number): number | null {
  return of > 0 ? amount / of : null;
}

/** The share as a number; unbounded if nothing is ideal. */
export function numberOf(share: BucketShare | undefined): number {
  return share === undefined ? 0 : (share.share ?? Number.POSITIVE_INFINITY);
}

function isLarger(one: BucketShare, other: BucketShare | undefined): boolean {
  if (other === undefined) return true;
  return (
    numberOf(one) > numberOf(other) ||
    (one.share === null && other.share === null && one.amount > other.amount)
  );
}
