import type { OperationTable } from '../../history/columns/table.ts';
import { type BucketResult, type CheckerContext, clockOf } from '../bucket-result.ts';
import type { CheckFacts, Findings } from '../evidence/facts.ts';
import { ProofBudget } from '../proofs/proof-budget.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { Describer } from './describe.ts';
import { describeLies } from './describe-lies.ts';
import type { Finding, OverAdmissionFinding } from './finding.ts';

/** At most this many findings of a kind, the worst, are described in full. */
const MOST_FINDINGS = 100;

/** Describes the findings in all buckets, by checker. */
export class AllFindings {
  readonly #table: OperationTable;
  readonly #withFindings: readonly BucketResult[];
  readonly #context: Pick<CheckerContext, 'clock' | 'movesOf'>;
  readonly #rows: BucketRows;
  readonly #budget = new ProofBudget();

  constructor(table: OperationTable, withFindings: readonly BucketResult[], context: CheckerContext) {
    this.#table = table;
    this.#withFindings = withFindings;
    this.#context = context;
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
      totalExcess: this.#withFindings.reduce((sum, result) => sum + excess(result), 0),
      largestExcess: this.#withFindings.reduce((most, result) => Math.max(most, excess(result)), 0),
      ...(findings[0] === undefined ? {} : { worst: findings[0] }),
    };
  }

  falseDenials({ known, windows }: CheckerContext): Findings {
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

  dishonest(context: CheckerContext): CheckFacts['dishonest'] {
    const withLies = this.#withFindings.filter(({ lies }) => lies.length > 0);
    const counts = new Map<string, number>();
    for (const { lies } of withLies)
      for (const { reason } of lies) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const worst = withLies.toSorted((a, b) => b.lies.length - a.lies.length).slice(0, MOST_FINDINGS);
    const findings = worst.flatMap(({ bucket, lies }) => {
      this.#rows.load(bucket);
      this.#budget.startBucket();
      return describeLies(this.#rows, this.#table.policyOf(bucket), { context, budget: this.#budget, lies });
    });
    return {
      total: [...counts.values()].reduce((sum, many) => sum + many, 0),
      buckets: withLies.length,
      findings: bestOfEach(findings).slice(0, MOST_FINDINGS),
      reasons: Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)),
    };
  }

  windows({ windows: promised }: CheckerContext): Findings {
    if (promised === undefined) return { total: 0, buckets: 0, findings: [] };
    return this.#find(
      ({ windows }) => windows.length,
      ({ windows }) => windows.mostTokens,
      (describer, { windows }) => describer.windows(windows, promised.promise),
    );
  }

  #find<F extends Finding>(
    countOf: (result: BucketResult) => number,
    weightOf: (result: BucketResult) => number,
    describe: (describer: Describer, result: BucketResult) => F | undefined,
  ): Findings<F> {
    const withFindings = this.#withFindings.filter((result) => countOf(result) > 0);
    const worst = withFindings.toSorted((a, b) => weightOf(b) - weightOf(a)).slice(0, MOST_FINDINGS);
    const findings = worst.map((result) => {
      this.#rows.load(result.bucket);
      const { clock } = this.#context;
      const how = { clock, lag: clockOf(this.#context, result.bucket), budget: this.#budget };
      return describe(new Describer(this.#rows, this.#table.policyOf(result.bucket), how), result);
    });
    return {
      total: withFindings.reduce((sum, result) => sum + countOf(result), 0),
      buckets: withFindings.length,
      findings: findings.filter((finding) => finding !== undefined),
    };
  }
}

/** The first finding of each reason, then the others. */
function bestOfEach(findings: readonly Finding[]): Finding[] {
  const firsts = new Map(findings.toReversed().map((finding) => [finding.reason, finding]));
  const isFirst = (finding: Finding) => firsts.get(finding.reason) === finding;
  return [...findings.filter(isFirst), ...findings.filter((finding) => !isFirst(finding))];
}
