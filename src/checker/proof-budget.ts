/** What all proofs of a run may take together: time is counted in rows that are judged once more. */
export interface Limits {
  readonly rows: number;
  readonly rowsOfBucket: number;
  readonly lines: number;
  readonly linesOfFinding: number;
}

/** About half a second of one bucket, and a few seconds of all. */
const LIMITS: Limits = { rows: 30_000_000, rowsOfBucket: 6_000_000, lines: 200_000, linesOfFinding: 10_000 };

/** As many as the text form of a report shows are always kept. */
const FEWEST_LINES = 12;

/** How much is left for the proofs of a run. */
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

  /** The next proofs are of another bucket. */
  startBucket(): void {
    this.#rowsOfBucket = this.#limits.rowsOfBucket;
  }

  /** Whether so many rows may be judged once more. */
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
