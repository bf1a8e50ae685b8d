/** The limits of all proofs of a run. Time is counted in rows that are judged again. */
export interface Limits {
  readonly rows: number;
  readonly rowsOfBucket: number;
  readonly lines: number;
  readonly linesOfFinding: number;
}

/** About half a second for one bucket, and a few seconds for all. */
const LIMITS: Limits = { rows: 30_000_000, rowsOfBucket: 6_000_000, lines: 200_000, linesOfFinding: 10_000 };

/** The number of lines that the text report shows; at least as many are kept. */
const FEWEST_LINES = 12;

/** The remaining budget for the proofs of a run. */
export class ProofBudget {
  readonly #limits: Limits;
  #rows: number;
  #rowsOfBucket: number;
  #lines: number;

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    this.#rows = this.#limits.rows;
    this.#rowsOfBucket = this.#limits.rowsOfBucket;
    this.#lines = this.#limits.lines;
  }

  /** Starts the proofs of another bucket. */
  startBucket(): void {
    this.#rowsOfBucket = this.#limits.rowsOfBucket;
  }

  /** Whether the budget allows judging this many more rows; if so, it is charged. */
  mayJudge(rows: number): boolean {
    if (rows > Math.min(this.#rows, this.#rowsOfBucket)) return false;
    this.#rows -= rows;
    this.#rowsOfBucket -= rows;
    return true;
  }

  /** How many of so many operations a finding may show. */
  linesOf(operations: number): number {
    const most = Math.max(FEWEST_LINES, Math.min(this.#limits.linesOfFinding, this.#lines));
    const shown = Math.min(operations, most);
    this.#lines -= shown;
    return shown;
  }
}
