import type { Policy } from '../../core/policy.ts';
import { formatPromise, type WindowPromise } from '../../core/promise.ts';
import { rounded } from '../../core/units.ts';
import { KIND } from '../../history/columns/table.ts';
import type { ClockBounds, ClockLag } from '../clocks/bounds.ts';
import type { Drop } from '../proofs/drops.ts';
import { EdfTimeline } from '../proofs/edf-timeline.ts';
import type { FalseDenials } from '../proofs/false-denials.ts';
import { findOverAdmission, type OverAdmission } from '../proofs/over-admission.ts';
import { largestOversized } from '../proofs/oversized.ts';
import type { ProofBudget } from '../proofs/proof-budget.ts';
import { type Refund, RefundSums } from '../proofs/refund.ts';
import { proveDespiteRefunds } from '../proofs/refunded.ts';
import type { ReplayFinding } from '../proofs/replay.ts';
import { excessOf, findWitness, findWorstWindow, type Window } from '../proofs/worst-window.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { Known } from '../rows/coverage.ts';
import type { BrokenWindows } from '../windows/broken-windows.ts';
import { proveBrokenWindow } from '../windows/promised-windows.ts';
import { brokenWindowText } from './broken-window-text.ts';
import { explainDenial } from './denial-context.ts';
import {
  type Finding,
  findMoments,
  type OverAdmissionFinding,
  placeOf,
  type WindowInTokens,
  witnessLine,
} from './finding.ts';
import { replayInequality } from './replay-text.ts';

type Proof = Pick<Finding, 'inequality' | 'witness' | 'witnessCount'>;

const NOT_SMALLEST = '; fewer of these operations may prove it: the search for fewer ran out of time';
const UNSOUGHT = '; all operations of the bucket prove it: a search for fewer would take too long';

/** Writes the findings in one bucket, each with a smallest proof. */
export class Describer {
  readonly #bucket: BucketRows;
  readonly #policy: Policy;
  readonly #clock: ClockBounds;
  /** The allowance for the clock of its denials. */
  readonly #lag: ClockLag;
  readonly #budget: ProofBudget;

  constructor(
    bucket: BucketRows,
    policy: Policy,
    { clock, lag, budget }: { clock: ClockBounds; lag: ClockLag; budget: ProofBudget },
  ) {
    this.#bucket = bucket;
    this.#policy = policy;
    this.#clock = clock;
    this.#lag = lag;
    this.#budget = budget;
    budget.startBucket();
  }

  overAdmission(
    { drops, totalExcessQuanta }: OverAdmission,
    refunds: readonly Refund[],
  ): OverAdmissionFinding | undefined {
    const { table } = this.#bucket;
    const machine = new EdfTimeline(this.#policy, this.#clock);
    const { first } = drops;
    const moments = findMoments(table, this.#violationsOf(drops));
    const found = findWorstWindow(this.#bucket, machine, RefundSums.of(refunds));
    const largest = largestOversized(this.#bucket, machine);
    const worst = found ?? findWorstWindow(this.#bucket, machine) ?? largest; // refunds may excuse each window, but not all
    if (first === undefined || moments === undefined || worst === undefined) return undefined;
    const proof =
      largest !== undefined
        ? this.#proofByDecision(largest)
        : refunds.length === 0
          ? this.#proof(findWitness(this.#bucket, machine, first) ?? worst)
          : this.#proofDespiteRefunds(refunds, first);
    const worstQuanta = [found, largest].map((window) => (window === undefined ? 0 : excessOf(window)));
    return {
      kind: 'over-admission',
      ...this.#place(),
      ...moments,
      totalExcess: this.#tokens(totalExcessQuanta),
      worstWindow: this.#tokens(Math.max(...worstQuanta)),
      window: this.#inTokens(worst),
      ...proof,
    };
  }

  #proofByDecision({ rows, admittedQuanta }: Window): Proof {
    const [admitted, capacity] = [this.#tokens(admittedQuanta), this.#policy.capacityTokens];
    return {
      inequality: `${admitted} tokens admitted by one decision, where a bucket holds at most capacity ${capacity}`,
      ...this.#witnessOf(rows),
    };
  }

  *#violationsOf(drops: Iterable<Drop>) {
    for (const { row, quanta } of drops) yield { row, tokens: this.#tokens(quanta) };
  }

  #proof(window: Window): Proof {
    return { inequality: this.#windowInequality(window), ...this.#witnessOf(window.rows) };
  }

  /** The rows as witness lines; if there are too many, the first ones and the last two. */
  #witnessOf(rows: ArrayLike<number>): Pick<Finding, 'witness' | 'witnessCount'> {
    const count = rows.length;
    const shown = this.#budget.linesOf(count);
    const witness = Array.from({ length: shown }, (_, at) =>
      witnessLine(this.#bucket.table, rows[at < shown - 2 ? at : count - shown + at] as number),
    );
    return shown === count ? { witness } : { witness, witnessCount: count };
  }

  #proofDespiteRefunds(refunds: readonly Refund[], drop: Drop): Proof {
    const [policy, slack] = [this.#policy, this.#clock];
    const found = proveDespiteRefunds(this.#bucket, { policy, slack, refunds }, drop, this.#budget);
    if (found === undefined)
      return { inequality: `${this.#minted(this.#bucket, refunds)}${UNSOUGHT}`, witness: [] };
    const { rows: proof, isSmallest } = found;
    const more = isSmallest ? '' : NOT_SMALLEST;
    const window = findWorstWindow(proof, new EdfTimeline(policy, slack), RefundSums.of(refunds));
    if (window?.rows.length === proof.count && excessOf(window) > 0) {
      const exceeded = this.#proof(window);
      return { ...exceeded, inequality: `${exceeded.inequality}${more}` };
    }
    return {
      inequality: `${this.#minted(proof, refunds)}${more}`,
      ...this.#witnessOf(proof.byInvoked.subarray(0, proof.count)),
    };
  }

  #minted(rows: BucketRows, refunds: readonly Refund[]): string {
    const beyond = findOverAdmission(rows, this.#policy, this.#clock).totalExcessQuanta;
    const minted = findOverAdmission(rows, this.#policy, this.#clock, refunds).totalExcessQuanta;
    return (
      `over several windows at least ${rounded(this.#tokens(beyond), 6)} tokens were admitted beyond capacity and refill, ` +
      `and ${this.#bucket.hasSettled ? 'settlements' : 'refunds'} can have returned at most ${rounded(this.#tokens(beyond - minted), 6)} of them in time`
    );
  }

  falseDenials(found: FalseDenials, known: Known): Finding | undefined {
    const { table } = this.#bucket;
    const { first } = found;
    const moments = findMoments(table, this.#denialsOf(found, this.#policy.quantaPerToken));
    if (first === undefined || moments === undefined) return undefined;
    const cost = table.costTokens[first.row] as number;
    const since = this.#spentBefore(first.row);
    const { levelQuanta, ...context } = explainDenial(
      this.#bucket,
      { policy: this.#policy, lag: this.#lag, known },
      first,
    );
    return {
      kind: 'false-denial',
      ...this.#place(),
      ...moments,
      inequality:
        `denied at cost ${cost}, but the bucket held at least ${rounded(moments.first.tokens + cost, 6)} throughout the request: ` +
        `by then at most ${since.tokens} tokens (${since.count} operations) can have been spent, each as late as possible` +
        `${this.#lagText(levelQuanta - first.lowestQuanta)}`,
      witness: [witnessLine(table, first.row)],
      context,
    };
  }

  /** Like `falseDenials`, for windows, whose levels are tokens. */
  windowDenials(found: FalseDenials, promise: WindowPromise): Finding | undefined {
    const { table } = this.#bucket;
    const { first } = found;
    const moments = findMoments(table, this.#denialsOf(found, 1));
    if (first === undefined || moments === undefined) return undefined;
    const cost = table.costTokens[first.row] as number;
    const used = promise.limit - first.lowestQuanta;
    return {
      kind: 'false-denial',
      ...this.#place(),
      ...moments,
      inequality:
        `denied at cost ${cost}, but throughout the request at most ${used} of the ${promise.limit} tokens ` +
        `of ${formatPromise(promise)} can have been taken in its window`,
      witness: [witnessLine(table, first.row)],
    };
  }

  *#denialsOf(found: FalseDenials, quantaPerToken: number) {
    const { costTokens } = this.#bucket.table;
    for (const { row, lowestQuanta } of found)
      yield { row, tokens: lowestQuanta / quantaPerToken - (costTokens[row] as number) };
  }

  replay(found: readonly ReplayFinding[]): Finding | undefined {
    const { table } = this.#bucket;
    const violations = found.map((finding) => ({
      row: finding.row,
      tokens: this.#tokens(finding.gapQuanta),
    }));
    const moments = findMoments(table, violations);
    const one = found[0];
    if (moments === undefined || one === undefined) return undefined;
    const rows = one.before === undefined || one.reason !== 'level' ? [one.row] : [one.before, one.row];
    return {
      kind: 'replay',
      ...this.#place(),
      ...moments,
      inequality: replayInequality(table, this.#policy, one),
      witness: rows.map((row) => witnessLine(table, row, this.#policy.quantaPerToken)),
    };
  }

  windows(found: BrokenWindows, promise: WindowPromise): Finding | undefined {
    const { table } = this.#bucket;
    const moments = findMoments(table, found);
    const { first: window } = found;
    if (moments === undefined || window === undefined) return undefined;
    const rows = proveBrokenWindow(this.#bucket, window);
    const admitted = rows.reduce((sum, row) => sum + (table.costTokens[row] as number), 0);
    const fromUs = rows.reduce((first, row) => Math.min(first, table.invokedUs[row] as number), window.endUs);
    const untilUs = table.lastUs(rows.at(-1) ?? window.row);
    return {
      kind: 'window',
      ...this.#place(),
      ...moments,
      inequality: brokenWindowText(found, { first: window, admitted, fromUs, untilUs, promise }),
      ...this.#witnessOf(rows),
    };
  }

  #windowInequality(window: Window): string {
    const refundedTokens = this.#tokens(window.refundedQuanta);
    const { capacityTokens, refill } = this.#policy;
    const perSecond = (refill.tokens * 1_000_000) / refill.perUs;
    const refunds =
      refundedTokens === 0
        ? ''
        : ` + ${refundedTokens} ${this.#bucket.hasSettled ? 'given back' : 'refunded'}`;
    const { epsilonUs, rhoPpm } = this.#clock;
    const slack = epsilonUs === 0 && rhoPpm === 0 ? '' : ` + clock slack (${epsilonUs} us, ${rhoPpm} ppm)`;
    const allowance = rounded(this.#tokens(window.allowanceQuanta) + refundedTokens, 6);
    const rows = window.rows.reduce((sum, row) => sum + (this.#bucket.table.costTokens[row] as number), 0);
    return (
      `${rows} tokens admitted wholly within ${seconds(window.endUs - window.startUs)}, where ` +
      `capacity ${capacityTokens} + ${rounded(perSecond, 6)}/s * ${seconds(window.endUs - window.startUs)}${refunds}${slack} = ${allowance}`
    );
  }

  #spentBefore(denial: number): { count: number; tokens: number } {
    const { table, byInvoked, count } = this.#bucket;
    const untilUs = table.lastUs(denial);
    let [operations, tokens] = [0, 0];
    for (let at = 0; at < count; at++) {
      const row = byInvoked[at] as number;
      if (((table.kinds[row] as number) & KIND.outcome) === KIND.denied) continue;
      if ((table.invokedUs[row] as number) > untilUs) break;
      operations++;
      tokens += table.costTokens[row] as number;
    }
    return { count: operations, tokens };
  }

  /** The refill subtracted for clock error. A bucket that has been full needs less than the clocks may lag. */
  #lagText(quanta: number): string {
    const lagUs = rounded(quanta / this.#policy.quantaPerUs, 6);
    return lagUs === 0 ? '' : `; ${lagUs} us of refill subtracted for clock error`;
  }

  #inTokens(window: Window): WindowInTokens {
    const { table } = this.#bucket;
    return {
      startUs: window.startUs,
      endUs: window.rows.reduce((last, row) => Math.max(last, table.lastUs(row)), window.startUs),
      operations: window.rows.length,
      admitted: this.#tokens(window.admittedQuanta),
      allowance: this.#tokens(window.allowanceQuanta),
    };
  }

  #place(): Pick<Finding, 'bucket' | 'policy'> {
    return placeOf(this.#bucket.table, this.#bucket.bucket);
  }

  #tokens(quanta: number): number {
    return quanta / this.#policy.quantaPerToken;
  }
}

function seconds(us: number): string {
  return `${us / 1_000_000} s`;
}
