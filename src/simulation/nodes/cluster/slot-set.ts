export interface SlotRange {
  readonly from: number;
  readonly to: number;
}

/** A set of slots that does not change. */
export class SlotSet {
  /** First and last of each run, rising; between two runs there is a slot that the set does not have. */
  readonly ranges: readonly SlotRange[];
  readonly size: number;

  constructor(ranges: readonly SlotRange[]) {
    this.ranges = ranges;
    this.size = ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }

  equals({ ranges, size }: SlotSet): boolean {
    if (this.ranges === ranges) return true;
    if (this.size !== size || this.ranges.length !== ranges.length) return false;
    return this.ranges.every(({ from, to }, at) => from === ranges[at]?.from && to === ranges[at]?.to);
  }
}
