interface Complaint {
  /** `access.log:17` */
  readonly where: string;
  readonly reason: string;
}

/** After this many lines without a readable one, reading stops. */
const HOPELESS = 20;

/**
 * Unreadable lines. Each may have been a request, so it is not ignored: a missing admission makes a correct denial look
 * false. If its bucket is known, the line counts as a possible charge at any time of the log. If not, it may belong to
 * any bucket, so no denials are judged.
 *
 * Neither can produce a false over-admission: a missing line could only add admissions.
 */
export class UnusableLines {
  /** Of all files. */
  count = 0;
  /** Lines whose bucket is unknown. */
  unseen = 0;
  first: Complaint | undefined;
  #file = { lines: 0, count: 0, unseen: 0, first: undefined as Complaint | undefined };

  startFile(): void {
    this.#file = { lines: 0, count: 0, unseen: 0, first: undefined };
  }

  /** One line of the file, usable or not. */
  addLine(): void {
    this.#file.lines++;
  }

  add(complaint: Complaint, { isSeen }: { isSeen: boolean }): void {
    this.addLine();
    this.count++;
    this.first ??= complaint;
    this.#file.count++;
    this.#file.first ??= complaint;
    if (isSeen) return;
    this.unseen++;
    this.#file.unseen++;
  }

  get unseenInFile(): number {
    return this.#file.unseen;
  }

  get isHopeless(): boolean {
    return this.#file.count === this.#file.lines && this.#file.count >= HOPELESS;
  }

  /** The error of the file if more than that share of its lines is unreadable. */
  complaintOf(share: number): Complaint | undefined {
    const { count, lines, first } = this.#file;
    if (first === undefined || count <= share * lines) return undefined;
    if (count === 1) return first;
    const limit = `more than ${Number((100 * share).toPrecision(3))}% (--unusable-at-most)`;
    return { ...first, reason: `${first.reason}; ${count} of ${lines} lines are unreadable, ${limit}` };
  }
}
