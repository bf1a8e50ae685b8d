/** A binary heap of jobs (deadline in microseconds, work left in quanta, row) with the earliest deadline first, in typed arrays. */
export class DeadlineHeap {
  deadlines = new Float64Array(1_024);
  works = new Float64Array(1_024);
  rows = new Uint32Array(1_024);
  size = 0;

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
    const { deadlines, works, rows } = this;
    this.deadlines = new Float64Array(2 * this.size);
    this.works = new Float64Array(2 * this.size);
    this.rows = new Uint32Array(2 * this.size);
    this.deadlines.set(deadlines);
    this.works.set(works);
    this.rows.set(rows);
  }
}
