/** A moment, and the offset of a clock there. Microseconds. */
export type OffsetPoint = readonly [atUs: number, offsetUs: number];

/**
 * Piecewise linear offsets of a clock from another one. Between two points the offset is linear, rounded down; before the
 * first and after the last it is constant.
 */
export class OffsetLine {
  readonly #atUs: Float64Array;
  readonly #offsetsUs: Float64Array;
  #last = 0;

  constructor(points: readonly OffsetPoint[]) {
    this.#atUs = Float64Array.from(points, ([atUs]) => atUs);
    this.#offsetsUs = Float64Array.from(points, ([, offsetUs]) => offsetUs);
  }

  get points(): OffsetPoint[] {
    return [...this.#atUs].map((atUs, at) => [atUs, this.#offsetsUs[at] as number]);
  }

  /** What the clock shows at a moment of the other one. */
  show(us: number): number {
    const atUs = this.#atUs;
    if (atUs.length <= 1 || !Number.isFinite(us)) return us + (this.#offsetsUs[0] ?? 0);
    let at = this.#last;
    while (at > 0 && us < (atUs[at] as number)) at--;
    while (at < atUs.length - 2 && us >= (atUs[at + 1] as number)) at++;
    this.#last = at;
    return us + this.#offsetBetween(at, us);
  }

  #offsetBetween(at: number, us: number): number {
    const [fromUs, untilUs] = [this.#atUs[at] as number, this.#atUs[at + 1] as number];
    const [first, second] = [this.#offsetsUs[at] as number, this.#offsetsUs[at + 1] as number];
    if (us <= fromUs) return first;
    if (us >= untilUs) return second;
    return first + Math.floor(((second - first) * (us - fromUs)) / (untilUs - fromUs));
  }
}

/** The offsets of a clock, as a certificate has them: from the recorder, or from each machine of a run in parts. */
export type ClockOffsets =
  | { readonly points: readonly OffsetPoint[] }
  | { readonly offsets: Readonly<Record<string, readonly OffsetPoint[]>> };

/** A clock on which decisions were made. Moments are of a machine, whose number is that of `Machines`. */
export class DecidingClock {
  /** The nodes that decide on it; none for the clock of the recorder, or the base of a run in parts. */
  readonly nodes: readonly string[];
  /** Whether one of its nodes was read, so that it has their time of day. */
  readonly isRead: boolean;
  readonly #lines: readonly OffsetLine[];
  readonly offsets: ClockOffsets;

  /** The clock of a history with one recorder. */
  static of(nodes: readonly string[], points: readonly OffsetPoint[], isRead: boolean): DecidingClock {
    return new DecidingClock({ nodes, isRead, lines: [new OffsetLine(points)], offsets: { points } });
  }

  /** The clock of a run in parts, by the names of its machines. It was read, unless it is the base. */
  static ofMachines(
    nodes: readonly string[],
    lines: ReadonlyMap<string, readonly OffsetPoint[]>,
  ): DecidingClock {
    const all = [...lines.values()].map((points) => new OffsetLine(points));
    const offsets = { offsets: Object.fromEntries(lines) };
    return new DecidingClock({ nodes, isRead: nodes.length > 0, lines: all, offsets });
  }

  private constructor({
    nodes,
    isRead,
    lines,
    offsets,
  }: Pick<DecidingClock, 'nodes' | 'isRead' | 'offsets'> & { readonly lines: readonly OffsetLine[] }) {
    this.nodes = nodes;
    this.isRead = isRead;
    this.#lines = lines;
    this.offsets = offsets;
  }

  /** What this clock shows at a moment of a machine. */
  show(us: number, machine: number): number {
    return (this.#lines[machine] as OffsetLine).show(us);
  }
}

/** The clocks on which the nodes of a history decided. */
export interface Clocks {
  /** By the number of the node in the table's levels. */
  readonly ofNode: ReadonlyMap<number, DecidingClock>;
  /** For decisions that report no moment: the clock of all nodes, or the recorder's if they have none in common. */
  readonly shared: DecidingClock;
}
