import { groupBy } from '../../core/group-by.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { type OffsetPoint, pointOf, spanOf } from './offset-point.ts';
import { findSegments, rangeAt, type SeenStep, type Segment } from './segments.ts';
import { type ShownTime, SteppingClock, type Window, windowsOf } from './stepping-clock.ts';

/** The clock of one machine, as a map of its times onto the base. */
export interface MachineReadings {
  readonly machine: string;
  readonly toBase: ShownTime;
  /** Of the TIME of this node. */
  readonly times: readonly ClockReading[];
  /** From decisions of this node. */
  readonly decisions: readonly ClockReading[];
}

export interface NodeReadings {
  readonly times: number;
  readonly used: number;
  readonly dropped: number;
}

/**
 * The clock of a Redis node, as the axis of the buckets that it refills: what it shows, minus the steps that were seen,
 * minus a constant. The constant makes the axis begin near the time of the base, and is known exactly, so the difference
 * of two axes is exactly that of their constants.
 */
export class NodeClock implements ShownTime {
  readonly node: string;
  readonly constantUs: number;
  /** By the time of the base. */
  readonly steps: readonly SeenStep[];
  readonly #segments: readonly Segment[];
  readonly #byBase: SteppingClock;
  readonly #ofMachines = new Map<string, ShownTime>();
  /** By machine, how many readings of TIME and how many decisions were used, and how many decisions contradict them. */
  readonly readings = new Map<string, NodeReadings>();
  readonly #windows: readonly Window[];
  /** Minus which readings and the steps of segments are exact numbers. */
  readonly #nearUs: number;
  readonly #rate: number;

  constructor(node: string, machines: readonly MachineReadings[], rate: number) {
    this.node = node;
    this.#rate = rate;
    const isRead = machines.some(({ times }) => times.length > 0);
    const shown = machines.flatMap(({ toBase, times, decisions }) =>
      (isRead ? times : decisions).map((reading) => ({ toBase, reading })),
    );
    const nearUs = nearConstant(shown);
    const points = shown.map(({ toBase, reading }) => onBase(reading, { toBase, nearUs, rate }));
    const found = findSegments(points, rate);
    const awayUs = Math.round(middleAtStart(found.segments[0], rate));
    this.constantUs = nearUs + awayUs;
    this.#nearUs = nearUs;
    this.steps = found.steps;
    this.#segments = found.segments.map(({ points, steppedUs }) => ({
      points,
      steppedUs: steppedUs + awayUs,
    }));
    this.#byBase = new SteppingClock(this.#segments, rate);
    this.#windows = windowsOf(this.#segments);
    const readBy = new Map(machines.flatMap(({ machine, times }) => times.map((one) => [one, machine])));
    const timesOf = this.#segments.map(({ points }) =>
      groupBy(
        points.map(({ reading }) => reading),
        (reading) => readBy.get(reading),
      ),
    );
    for (const machine of machines)
      this.#readDirectly(
        machine,
        timesOf.map((ofSegment) => ofSegment.get(machine.machine) ?? []),
      );
  }

  /** By the time of the base. */
  least(us: number): number {
    return this.#byBase.least(us);
  }

  most(us: number): number {
    return this.#byBase.most(us);
  }

  /** The range of its axis minus the time of the base, over all readings. */
  wanderUs(): number {
    return this.#byBase.rangeUs();
  }

  /** By the time of a machine: by its own readings of the node, and by way of the base. */
  by(machine: string, toBase: ShownTime): ShownTime {
    const way = new ByWayOf(toBase, this.#byBase);
    const direct = this.#ofMachines.get(machine);
    return direct === undefined ? way : new Both(way, direct);
  }

  /** `timesOf`: its readings of TIME in each segment. */
  #readDirectly(
    { machine, toBase, times, decisions }: MachineReadings,
    timesOf: readonly (readonly ClockReading[])[],
  ): void {
    const direct = (reading: ClockReading): OffsetPoint =>
      pointOf({ ...spanOf(reading), shownUs: reading.serverUs - this.#nearUs, reading }, this.#rate);
    const ofSegments = timesOf.map((readings) => readings.map(direct));
    const way = new ByWayOf(toBase, this.#byBase);
    const first = this.#track(ofSegments);
    const known = first === undefined ? way : new Both(way, first);
    let [used, dropped] = [0, 0];
    for (const point of decisions.map(direct)) {
      const [segment, ...others] = this.#segmentsOf(point, { toBase, known });
      if (segment === undefined) dropped++;
      else if (others.length === 0) {
        ofSegments[segment]?.push(point);
        used++;
      }
    }
    this.readings.set(machine, { times: times.length, used, dropped });
    const all = used === 0 ? first : this.#track(ofSegments);
    if (all !== undefined) this.#ofMachines.set(machine, all);
  }

  /** The segments in which a reading agrees with what is known. */
  #segmentsOf(
    { fromUs, untilUs, reading }: OffsetPoint,
    { toBase, known }: { readonly toBase: ShownTime; readonly known: ShownTime },
  ): number[] {
    const [least, most] = [known.least(fromUs) - 1, known.most(untilUs) + 1];
    const [fromBaseUs, untilBaseUs] = [toBase.least(fromUs), toBase.most(untilUs)];
    return this.#segments.flatMap(({ steppedUs }, at) => {
      const { notBeforeUs, notAfterUs } = this.#windows[at] as Window;
      if (untilBaseUs < notBeforeUs || fromBaseUs > notAfterUs) return [];
      const shownUs = reading.serverUs - this.#nearUs - steppedUs;
      return shownUs >= least && shownUs <= most ? [at] : [];
    });
  }

  /** Undefined if a segment has no reading: then the machine does not know how far the clock stepped. */
  #track(ofSegments: readonly (readonly OffsetPoint[])[]): ShownTime | undefined {
    if (ofSegments.length === 0 || ofSegments.some((points) => points.length === 0)) return undefined;
    const segments = ofSegments.flatMap((points, at) => {
      const steppedUs = this.#segments[at]?.steppedUs ?? 0;
      return findSegments(points, this.#rate).segments.map((segment) => ({
        points: segment.points,
        steppedUs,
      }));
    });
    return new SteppingClock(segments, this.#rate);
  }
}

/** A whole number near the offsets of the readings, so that differences are exact. */
export function nearConstant(
  shown: readonly { readonly toBase: ShownTime; readonly reading: ClockReading }[],
): number {
  const [first] = shown;
  if (first === undefined) return 0;
  return Math.round(first.reading.serverUs - first.toBase.least(first.reading.atUs));
}

/** A reading of a machine, by the time of the base. */
export function onBase(
  reading: ClockReading,
  { toBase, nearUs, rate }: { readonly toBase: ShownTime; readonly nearUs: number; readonly rate: number },
): OffsetPoint {
  const { fromUs, untilUs } = spanOf(reading);
  const span = { fromUs: toBase.least(fromUs), untilUs: toBase.most(untilUs) };
  return pointOf({ ...span, shownUs: reading.serverUs - nearUs, reading }, rate);
}

/** The middle of the offsets at the first reading that all others of its segment allow. */
function middleAtStart(segment: Segment | undefined, rate: number): number {
  const [first] = segment?.points ?? [];
  if (segment === undefined || first === undefined) return 0;
  const { lowest, highest } = rangeAt(segment.points, first.atUs, rate);
  return (lowest + highest) / 2;
}

/** What a clock shows, by the times of a machine, by way of the base. */
class ByWayOf implements ShownTime {
  readonly #toBase: ShownTime;
  readonly #clock: ShownTime;

  constructor(toBase: ShownTime, clock: ShownTime) {
    this.#toBase = toBase;
    this.#clock = clock;
  }

  least(us: number): number {
    return this.#clock.least(this.#toBase.least(us));
  }

  most(us: number): number {
    return this.#clock.most(this.#toBase.most(us));
  }
}

/** Two ways to know the same. */
class Both implements ShownTime {
  readonly #one: ShownTime;
  readonly #other: ShownTime;

  constructor(one: ShownTime, other: ShownTime) {
    this.#one = one;
    this.#other = other;
  }

  least(us: number): number {
    return Math.max(this.#one.least(us), this.#other.least(us));
  }

  most(us: number): number {
    return Math.min(this.#one.most(us), this.#other.most(us));
  }
}
