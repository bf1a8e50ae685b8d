import type { Policy } from '../core/policy.ts';
import { KIND } from '../history/table.ts';
import type { BrokenWindows } from './broken-windows.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { ClockBounds } from './clock.ts';
import { contextOf } from './denial-context.ts';
import type { Drop } from './drops.ts';
import type { FalseDenials } from './false-denials.ts';
import {
  type Finding,
  momentsOf,
  type OverAdmissionFinding,
  type WindowInTokens,
  witnessLine,
} from './finding.ts';
import type { Known } from './known.ts';
import { Machine } from './machine.ts';
import { findOverAdmission, type OverAdmission } from './over-admission.ts';
import { formatPromise, type WindowPromise } from './promise.ts';
import type { ProofBudget } from './proof-budget.ts';
import { type Refund, refundedWithin } from './refund.ts';
import { proveDespiteRefunds } from './refunded.ts';
import type { ReplayFinding } from './replay.ts';
import { findWitness, findWorstWindow, type Window } from './window.ts';
import { proveBrokenWindow } from './window-promise.ts';

type Proof = Pick<Finding, 'inequality' | 'witness' | 'witnessCount'>;

const NOT_SMALLEST = '; fewer of these operations may prove it: the time for a smallest proof was over';
const UNSOUGHT = ', by all operations of the bucket: a smallest proof would take too long to find';

/** Words what the checkers found about one bucket, with its smallest proof. */
export class Describer {
  readonly #bucket: BucketRows;
  readonly #policy: Policy;
  readonly #clock: ClockBounds;
  readonly #budget: ProofBudget;

  constructor(
    bucket: BucketRows,
    policy: Policy,
    { clock, budget }: { clock: ClockBounds; budget: ProofBudget },
  ) {
    this.#bucket = bucket;
    this.#policy = policy;
    this.#clock = clock;
    this.#budget = budget;
    budget.startBucket();
  }

  overAdmission(
    { drops, totalExcessQuanta }: OverAdmission,
    refunds: readonly Refund[],
  ): OverAdmissionFinding | undefined {
    const { table } = this.#bucket;
    const machine = new Machine(this.#policy, this.#clock);
    const { first } = drops;
    const moments = momentsOf(table, this.#violationsOf(drops));
    const worst = findWorstWindow(this.#bucket, machine);
    if (first === undefined || moments === undefined || worst === undefined) return undefined;
    const proof =
      refunds.length === 0
        ? this.#proof(findWitness(this.#bucket, machine, first) ?? worst, refunds)
        : this.#proofDespiteRefunds(refunds, first);
    const excess =
      worst.admittedQuanta - worst.allowanceQuanta - refundedWithin(refunds, worst.startUs, worst.endUs);
    return {
      kind: 'over-admission',
      bucket: this.#name(),
      ...moments,
      totalExcess: this.#tokens(totalExcessQuanta),
      worstWindow: Math.max(0, this.#tokens(excess)),
      window: this.#inTokens(worst),
      ...proof,
    };
  }

  *#violationsOf(drops: Iterable<Drop>) {
    for (const { row, quanta } of drops) yield { row, tokens: this.#tokens(quanta) };
  }

  #proof(window: Window, refunds: readonly Refund[]): Proof {
    return {
      inequality: this.#windowInequality(
        window,
        this.#tokens(refundedWithin(refunds, window.startUs, window.endUs)),
      ),
      ...this.#witnessOf(window.rows),
    };
  }

  /** The first and the last of them where they are too many. */
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
    const window = findWorstWindow(proof, new Machine(policy, slack));
    const isExceeded = ({ admittedQuanta, allowanceQuanta, startUs, endUs }: Window) =>
      admittedQuanta - allowanceQuanta > refundedWithin(refunds, startUs, endUs);
    if (window?.rows.length === proof.count && isExceeded(window)) {
      const exceeded = this.#proof(window, refunds);
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
      `over several windows at least ${round(this.#tokens(beyond))} tokens were admitted beyond capacity and refill, ` +
      `where refunds can have given back ${round(this.#tokens(beyond - minted))} of them in time`
    );
  }

  falseDenials(found: FalseDenials, known: Known): Finding | undefined {
    const { table } = this.#bucket;
    const { first } = found;
    const moments = momentsOf(table, this.#denialsOf(found, this.#policy.quantaPerToken));
    if (first === undefined || moments === undefined) return undefined;
    const cost = table.costTokens[first.row] as number;
    const since = this.#spentBefore(first.row);
    const { levelQuanta, ...context } = contextOf(
      this.#bucket,
      { policy: this.#policy, lag: this.#clock, known },
      first,
    );
    return {
      kind: 'false-denial',
      bucket: this.#name(),
      ...moments,
      inequality:
        `denied at cost ${cost}, though at every moment of its interval the bucket held at least ${round(moments.first.tokens + cost)}: ` +
        `${since.tokens} tokens of ${since.count} operations can have been spent by then, each as late as it can be` +
        `${this.#lagText(levelQuanta - first.lowestQuanta)}`,
      witness: [witnessLine(table, first.row)],
      context,
    };
  }

  /** The same of windows, whose levels are tokens. */
  windowDenials(found: FalseDenials, promise: WindowPromise): Finding | undefined {
    const { table } = this.#bucket;
    const { first } = found;
    const moments = momentsOf(table, this.#denialsOf(found, 1));
    if (first === undefined || moments === undefined) return undefined;
    const cost = table.costTokens[first.row] as number;
    const used = promise.limit - first.lowestQuanta;
    return {
      kind: 'false-denial',
      bucket: this.#name(),
      ...moments,
      inequality:
        `denied at cost ${cost}, though at every moment of its interval at most ${used} of the ${promise.limit} tokens ` +
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
    const moments = momentsOf(table, violations);
    const one = found[0];
    if (moments === undefined || one === undefined) return undefined;
    const rows = one.before === undefined || one.reason !== 'level' ? [one.row] : [one.before, one.row];
    return {
      kind: 'replay',
      bucket: this.#name(),
      ...moments,
      inequality: this.#replayInequality(one),
      witness: rows.map((row) => witnessLine(table, row, this.#policy.quantaPerToken)),
    };
  }

  windows(found: BrokenWindows, promise: string): Finding | undefined {
    const { table } = this.#bucket;
    const moments = momentsOf(table, found);
    const { first: window } = found;
    if (moments === undefined || window === undefined) return undefined;
    const rows = proveBrokenWindow(this.#bucket, window);
    const admitted = rows.reduce((sum, row) => sum + (table.costTokens[row] as number), 0);
    return {
      kind: 'window',
      bucket: this.#name(),
      ...moments,
      inequality:
        window.pieces === undefined
          ? `${admitted} tokens admitted wholly within ${seconds(window.endUs - window.startUs + 1)}, where ${promise} allows at most ${window.allowance}`
          : `whenever its windows start, one of them holds at least ${window.admitted} tokens, where ${promise} allows at most ${window.allowance}: ${window.pieces.length} of them, from start to start, prove it`,
      ...this.#witnessOf(rows),
    };
  }

  #windowInequality(window: Window, refundedTokens: number): string {
    const { capacityTokens, refill } = this.#policy;
    const perSecond = (refill.tokens * 1_000_000) / refill.perUs;
    const refunds = refundedTokens === 0 ? '' : ` + ${refundedTokens} refunded`;
    const { epsilonUs, rhoPpm } = this.#clock;
    const slack = epsilonUs === 0 && rhoPpm === 0 ? '' : ` + clock slack (${epsilonUs} us, ${rhoPpm} ppm)`;
    const allowance = round(this.#tokens(window.allowanceQuanta) + refundedTokens);
    const rows = window.rows.reduce((sum, row) => sum + (this.#bucket.table.costTokens[row] as number), 0);
    return (
      `${rows} tokens admitted wholly within ${seconds(window.endUs - window.startUs)}, where ` +
      `capacity ${capacityTokens} + ${round(perSecond)}/s * ${seconds(window.endUs - window.startUs)}${refunds}${slack} = ${allowance}`
    );
  }

  #replayInequality({ row, before, expectedQuanta, gapQuanta, reason }: ReplayFinding): string {
    const { table } = this.#bucket;
    const [expected, gap] = [round(this.#tokens(expectedQuanta)), round(this.#tokens(Math.abs(gapQuanta)))];
    const level = round(this.#tokens(table.levels?.of(row) ?? Number.NaN));
    if (reason === 'denied-with-enough')
      return `denied at cost ${table.costTokens[row]}, though it held ${level}`;
    if (reason === 'out-of-range')
      return `the level ${level} is not between 0 and capacity ${this.#policy.capacityTokens}`;
    const node = (one: number) => table.levels?.nodeName(one);
    const word = gapQuanta > 0 ? 'minted' : 'lost';
    const where =
      before === undefined
        ? `first decision, on ${node(row)}`
        : node(before) === node(row)
          ? `on ${node(row)}`
          : `between ${node(before)} and ${node(row)}`;
    return `${gap} tokens ${word} ${where}: the math gives a level of ${expected}, the reply says ${level}`;
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

  /** What was taken off the lowest level: less than the clocks may lag where the bucket has been full. */
  #lagText(quanta: number): string {
    const lagUs = round(quanta / this.#policy.quantaPerUs);
    return lagUs === 0 ? '' : `; ${lagUs} us of refill taken off for the clocks`;
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

  #name(): string {
    return this.#bucket.table.nameOf(this.#bucket.bucket);
  }

  #tokens(quanta: number): number {
    return quanta / this.#policy.quantaPerToken;
  }
}

function seconds(us: number): string {
  return `${us / 1_000_000} s`;
}

function round(tokens: number): number {
  return Math.round(tokens * 1e6) / 1e6;
}
