/** Memory for this many jobs is kept for the next bucket. */
const KEPT = 1 << 16;

/**
 * A binary heap of jobs in typed arrays, the earliest deadline first. Deadlines in microseconds, remaining work in
 * quanta.
 */
export class DeadlineHeap {
  deadlines = new Float64Array(1_024);
  works = new Float64Array(1_024);
  rows = new Uint32Array(1_024);
  size = 0;
  #most = Number.POSITIVE_INFINITY;

  /** Empties it and makes room for at most `most` jobs at a time. */
  clear(most: number): void {
    this.size = 0;
    this.#most = most;
  }

  /** Empties it and keeps the memory of a few jobs only. */
  release(): void {
    this.size = 0;
    if (this.deadlines.length <= KEPT) return;
    this.#resize(KEPT);
  }

  push(deadline: number, work: number, row: number): void {
    if (this.size === this.deadlines.length) this.#grow();
    const { deadlines, works, rows } = this;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((deadlines[parent] as number) <= deadline) break;
      deadlines[at] = deadlines[parent] as number;
      works[at] = works[parent] as number;
      rows[at] = rows[parent] as number;
      at = parent;
    }
    deadlines[at] = deadline;
    works[at] = work;
    rows[at] = row;
  }

  pop(): void {
    const { deadlines, works, rows } = this;
    const last = --this.size;
    const deadline = deadlines[last] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && (deadlines[child + 1] as number) < (deadlines[child] as number)) child++;
      if ((deadlines[child] as number) >= deadline) break;
      deadlines[at] = deadlines[child] as number;
      works[at] = works[child] as number;
      rows[at] = rows[child] as number;
      at = child;
    }
    deadlines[at] = deadline;
    works[at] = works[last] as number;
    rows[at] = rows[last] as number;
  }

  #grow(): void {
    this.#resize(Math.max(this.size + 1, Math.min(2 * this.size, this.#most)));
  }

  /** Resizes one column after another, so that the old and new arrays of all are never held together. */
  #resize(length: number): void {
    const { size } = this;
    this.deadlines = numbers(length, this.deadlines.subarray(0, size));
    this.works = numbers(length, this.works.subarray(0, size));
    const rows = new Uint32Array(length);
    rows.set(this.rows.subarray(0, size));
    this.rows = rows;
  }
}

function numbers(length: number, first: Float64Array): Float64Array<ArrayBuffer> {
  const all = new Float64Array(length);
  all.set(first);
  return all;
}
