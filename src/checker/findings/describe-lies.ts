import { formatPolicy, type Policy } from '../../core/policy.ts';
import { formatPromise } from '../../core/promise.ts';
import { rounded } from '../../core/units.ts';
import { KIND } from '../../history/columns/table.ts';
import type { Stated } from '../../history/records/operation.ts';
import type { CheckerContext } from '../bucket-result.ts';
import { withGains } from '../clocks/bounds.ts';
import type { ProofBudget } from '../proofs/proof-budget.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { Lie, LieReason, Lies, StatedName } from '../stated/lies.ts';
import { explainDenial } from './denial-context.ts';
import { type Finding, findMoments, placeOf, type WitnessLine, witnessLine } from './finding.ts';

/** The names of the values, as replies and logs have them. */
const NAMES: Readonly<Record<StatedName, string>> = {
  remaining: 'remaining',
  retryAfterS: 'Retry-After',
  retryAtS: 'Retry-After (a date)',
  reset: 'reset',
  limit: 'limit',
  windowS: 'window',
};

/** Describes the lies in one loaded bucket: a finding for each reason, with a proof of the first. */
export function describeLies(
  bucket: BucketRows,
  policy: Policy,
  { context, budget, lies }: { context: CheckerContext; budget: ProofBudget; lies: Lies },
): Finding[] {
  const byReason = new Map<LieReason, Lie[]>();
  for (const lie of lies) {
    const known = byReason.get(lie.reason);
    if (known === undefined) byReason.set(lie.reason, [lie]);
    else known.push(lie);
  }
  const describer = new LieDescriber(bucket, policy, context, budget);
  return [...byReason.values()].flatMap((found) => describer.finding(found));
}

class LieDescriber {
  readonly #bucket: BucketRows;
  readonly #policy: Policy;
  readonly #context: CheckerContext;
  readonly #budget: ProofBudget;

  constructor(bucket: BucketRows, policy: Policy, context: CheckerContext, budget: ProofBudget) {
    this.#bucket = bucket;
    this.#policy = policy;
    this.#context = context;
    this.#budget = budget;
  }

  finding(lies: readonly Lie[]): Finding[] {
    const { table } = this.#bucket;
    const [first] = lies;
    const moments = findMoments(
      table,
      lies.map((lie) => ({ row: lie.row, tokens: this.#tokensOff(lie) })),
    );
    if (first === undefined || moments === undefined) return [];
    return [
      {
        kind: 'dishonest',
        reason: first.reason,
        ...placeOf(table, this.#bucket.bucket),
        ...moments,
        ...this.#proof(first),
      },
    ];
  }

  /** Of a level, by how much it is off; 0 for other values. */
  #tokensOff({ row, name, limit }: Lie): number {
    return name === 'remaining' ? (this.#statedOf(row).remaining ?? 0) - limit : 0;
  }

  #statedOf(row: number): Stated {
    return this.#bucket.table.statedOf(row) ?? {};
  }

  #proof(lie: Lie): Pick<Finding, 'inequality' | 'witness' | 'witnessCount' | 'context'> {
    const stated = `${lie.reason}: ${NAMES[lie.name]} ${this.#statedOf(lie.row)[lie.name]} was stated ${this.#decisionText(lie.row)}`;
    const limit = rounded(lie.limit, 6);
    switch (lie.reason) {
      case 'remaining too high':
        return this.#belowHighest(lie, `${stated}, but at most ${limit} tokens can have been left`);
      case 'retry too short':
        return this.#belowHighest(
          lie,
          Number.isNaN(limit) || limit === 0
            ? `${stated}, but the cost cannot be there by then`
            : `${stated}, but even if nothing else is spent the cost is not there before ${limit} s`,
        );
      case 'remaining too low':
        return this.#aboveLowest(lie, `${stated}, but at least ${limit} tokens must have been left`);
      case 'retry too long':
        return this.#aboveLowest(
          lie,
          lie.name === 'reset'
            ? `${stated}, but everything is back within ${limit} s`
            : `${stated}, but if nothing else is spent the cost is there within ${limit} s, also from the lowest possible level`,
        );
      case 'wrong policy':
        return this.#alone(
          lie,
          `${stated}${this.#windowText(lie.row)}, which does not describe ${this.#promiseText()}`,
        );
      case 'wrong unit':
        return this.#alone(lie, `${stated}, but at most ${limit} s are possible: ${this.#unitOf(lie)}`);
      case 'grows without refill':
        return {
          inequality:
            `${stated}, but #${this.#bucket.table.operationOf(lie.since).index} before it stated ${this.#statedOf(lie.since).remaining}, ` +
            `and refill since then leaves at most ${limit} tokens, rounding included`,
          witness: [this.#line(lie.since), this.#line(lie.row)],
        };
    }
  }

  #decisionText(row: number): string {
    const { costTokens } = this.#bucket.table;
    const isAllowed = this.#bucket.table.outcomeOf(row) === 'allowed';
    return `with ${isAllowed ? 'an admission' : 'a denial'} at cost ${costTokens[row]}`;
  }

  #windowText(row: number): string {
    const { windowS } = this.#statedOf(row);
    return windowS === undefined ? '' : ` in ${windowS} s`;
  }

  #promiseText(): string {
    const { windows } = this.#context;
    return windows === undefined
      ? `the policy ${formatPolicy(this.#policy)}`
      : formatPromise(windows.promise);
  }

  #unitOf({ row, name }: Lie): string {
    const value = this.#statedOf(row)[name] ?? 0;
    if (value < 1e9) return 'it looks like milliseconds';
    return `it looks like ${value < 1e11 ? 'seconds' : 'milliseconds'} since 1970`;
  }

  #alone(lie: Lie, inequality: string) {
    return { inequality, witness: [this.#line(lie.row)] };
  }

  /** With the admissions of the window after which so little is left. */
  #belowHighest(lie: Lie, sentence: string): Pick<Finding, 'inequality' | 'witness' | 'witnessCount'> {
    const { stated, windows } = this.#context;
    const untilUs = Number.isNaN(lie.atUs) ? this.#bucket.table.lastUs(lie.row) : lie.atUs;
    const excess = stated?.excessOf(this.#bucket.bucket) ?? 0;
    if (windows !== undefined || lie.basis === 'certain' || !Number.isFinite(excess))
      return this.#alone(lie, sentence);
    const window = this.#fullestWindow(lie.row, untilUs);
    if (window.rows.length === 0) return this.#alone(lie, sentence);
    const shown = this.#budget.linesOf(window.rows.length);
    const { capacityTokens, quantaPerUs, quantaPerToken } = this.#policy;
    const perSecond = rounded((quantaPerUs / quantaPerToken) * 1_000_000, 6);
    const { epsilonUs, rhoPpm } = withGains(this.#context.clock);
    const slack = epsilonUs === 0 && rhoPpm === 0 ? '' : ` + clock slack (${epsilonUs} us, ${rhoPpm} ppm)`;
    const declared = excess === 0 ? '' : ` + ${rounded(excess, 3)} declared`;
    return {
      inequality:
        `${sentence}: capacity ${capacityTokens} + ${perSecond}/s * ${(untilUs - window.startUs) / 1_000_000} s${slack}${declared} ` +
        `- ${window.tokens} admitted wholly within that time${this.#ownText(lie.row)}`,
      witness: [...window.rows.slice(0, shown).map((row) => this.#line(row)), this.#line(lie.row)],
      ...(shown < window.rows.length && { witnessCount: window.rows.length + 1 }),
    };
  }

  #ownText(row: number): string {
    const { costTokens, outcomeOf } = this.#bucket.table;
    return outcomeOf(row) === 'allowed' ? ` - its own ${costTokens[row]}` : '';
  }

  /** The admissions wholly within the window that ends at `untilUs` and leaves the least; see `highest-level.ts`. */
  #fullestWindow(row: number, untilUs: number): { startUs: number; tokens: number; rows: number[] } {
    const { table, byInvoked, count } = this.#bucket;
    const speed = this.#policy.quantaPerUs * (1 + this.#context.clock.rhoPpm / 1_000_000);
    const inside: number[] = [];
    let best = { startUs: untilUs, tokens: 0, rows: 0, left: 0 };
    let tokens = 0;
    for (let at = count - 1; at >= 0; at--) {
      const other = byInvoked[at] as number;
      const isCharged = ((table.kinds[other] as number) & (KIND.outcome | KIND.fallback)) === KIND.allowed;
      if (!isCharged || other === row || table.lastUs(other) > untilUs) continue;
      inside.push(other);
      tokens += table.costTokens[other] as number;
      const startUs = table.invokedUs[other] as number;
      const left = (untilUs - startUs) * speed - tokens * this.#policy.quantaPerToken;
      if (left < best.left) best = { startUs, tokens, rows: inside.length, left };
    }
    return { startUs: best.startUs, tokens: best.tokens, rows: inside.slice(0, best.rows).reverse() };
  }

  /** With the operations that can have taken tokens before, each as late as possible. */
  #aboveLowest(lie: Lie, inequality: string): Pick<Finding, 'inequality' | 'witness' | 'context'> {
    if (this.#context.windows !== undefined || lie.basis === 'certain') return this.#alone(lie, inequality);
    const { table } = this.#bucket;
    const { clock: lag, known } = this.#context;
    const lowestAtUs = Number.isNaN(lie.atUs) ? (table.invokedUs[lie.row] as number) : lie.atUs;
    const { levelQuanta: _, ...context } = explainDenial(
      this.#bucket,
      { policy: this.#policy, lag, known },
      { row: lie.row, lowestQuanta: 0, lowestAtUs },
    );
    return { inequality, witness: [this.#line(lie.row)], context };
  }

  #line(row: number): WitnessLine {
    return { ...witnessLine(this.#bucket.table, row), stated: this.#statedOf(row) };
  }
}
