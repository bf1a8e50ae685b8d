import type { OperationTable } from '../history/table.ts';
import type { BucketResult, PassRules } from './bucket-result.ts';
import { BucketRows } from './bucket-rows.ts';
import type { ClockBounds } from './clock.ts';
import { Describer } from './describe.ts';
import type { CheckFacts, Findings } from './facts.ts';
import type { Finding, OverAdmissionFinding } from './finding.ts';
import { ProofBudget } from './proof-budget.ts';

/** How many findings of a kind are described in full: the worst. */
const MOST_FINDINGS = 100;

/** Describes what was found in all buckets, checker by checker. */
export class AllFindings {
  readonly #table: OperationTable;
  readonly #guilty: readonly BucketResult[];
  readonly #clock: ClockBounds;
  readonly #rows: BucketRows;
  readonly #budget = new ProofBudget();

  constructor(table: OperationTable, guilty: readonly BucketResult[], clock: ClockBounds) {
    this.#table = table;
    this.#guilty = guilty;
    this.#clock = clock;
    this.#rows = new BucketRows(table);
  }

  overAdmission(): CheckFacts['overAdmission'] {
    const excess = ({ bucket, over }: BucketResult) =>
      over.totalExcessQuanta / this.#table.policyOf(bucket).quantaPerToken;
    const all = this.#find<OverAdmissionFinding>(
      ({ over }) => over.drops.length,
      excess,
      (describer, { over, refunds }) => describer.overAdmission(over, refunds),
    );
    const findings = all.findings.toSorted((a, b) => b.worstWindow - a.worstWindow);
    return {
      ...all,
      findings,
      totalExcess: this.#guilty.reduce((sum, result) => sum + excess(result), 0),
      largestExcess: this.#guilty.reduce((most, result) => Math.max(most, excess(result)), 0),
      ...(findings[0] === undefined ? {} : { worst: findings[0] }),
    };
  }

  falseDenials({ known, windows }: PassRules): Findings {
    return this.#find(
      ({ denials }) => denials.length,
      ({ denials }) => denials.length,
      (describer, { denials }) =>
        windows === undefined
          ? describer.falseDenials(denials, known)
          : describer.windowDenials(denials, windows.promise),
    );
  }

  replay(): Findings {
    return this.#find(
      ({ replay }) => replay.findings.length,
      ({ replay }) => replay.findings.length,
      (describer, { replay }) => describer.replay(replay.findings),
    );
  }

  windows(promise: string): Findings {
    return this.#find(
      ({ windows }) => windows.length,
      ({ windows }) => windows.mostTokens,
      (describer, { windows }) => describer.windows(windows, promise),
    );
  }

  #find<F extends Finding>(
    countOf: (result: BucketResult) => number,
    weightOf: (result: BucketResult) => number,
    describe: (describer: Describer, result: BucketResult) => F | undefined,
  ): Findings<F> {
    const guilty = this.#guilty.filter((result) => countOf(result) > 0);
    const worst = guilty.toSorted((a, b) => weightOf(b) - weightOf(a)).slice(0, MOST_FINDINGS);
    const findings = worst.map((result) => {
      this.#rows.load(result.bucket);
      const { clock, budget } = { clock: this.#clock, budget: this.#budget };
      return describe(
        new Describer(this.#rows, this.#table.policyOf(result.bucket), { clock, budget }),
        result,
      );
    });
    return {
      total: guilty.reduce((sum, result) => sum + countOf(result), 0),
      buckets: guilty.length,
      findings: findings.filter((finding) => finding !== undefined),
    };
  }
}
