interface Complaint {
  /** `access.log:17` */
  readonly where: string;
  readonly reason: string;
}

/** So many lines, and not one that can be read: reading on is of no use. */
const HOPELESS = 20;

/**
 * Lines that could not be read. Each may have been a request, so it is granted, not left out: an admission that is
 * missing makes a right denial look false. Where the bucket is known, the line stands for a charge of it that may
 * happen at any time of the log. Where it is not, any bucket may lack it, so the denials of none are judged.
 *
 * Neither can make a limiter look guilty of admitting: what is missing only adds to what was admitted.
 */
export class UnusableLines {
  /** Of all files. */
  count = 0;
  /** Those whose bucket is not known. */
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

  /** What is wrong with the file, where more than that share of its lines cannot be read. */
  complaintOf(share: number): Complaint | undefined {
    const { count, lines, first } = this.#file;
    if (first === undefined || count <= share * lines) return undefined;
    if (count === 1) return first;
    const limit = `more than ${Number((100 * share).toPrecision(3))}%, --unusable-at-most`;
    return { ...first, reason: `${first.reason}; ${count} of ${lines} lines cannot be read, ${limit}` };
  }
}
