import { type OffsetLimits, type Range, ROUNDING_US } from './offset-limits.ts';

/** A machine at `atUs` of its clock saw `otherUs` on the clock of another, give or take the error. By their numbers. */
export interface Ping {
  readonly machine: number;
  readonly other: number;
  readonly atUs: number;
  readonly otherUs: number;
  readonly errorUs: number;
}

/** Far more than the steps that a bound takes from one machine over the base to another. */
const MOST_ROUNDS = 64;

/**
 * Tightens what each machine's readings allow, until neighboring points and the points beside a ping agree: then the
 * lowest bounds of all points are offsets, and so are the highest, and the middles. Undefined if no offsets agree.
 *
 * A ping relates the offsets of two machines to the reference, o at `atUs` and o' at `otherUs`:
 *   |atUs + o - otherUs - o'| <= errorUs.
 * It holds on the lines if it holds for both points beside `atUs` with both points beside `otherUs`; each is one if it is a
 * point itself.
 */
export function settleLimits(
  limits: readonly OffsetLimits[],
  ranges: readonly Range[],
  pings: readonly Ping[],
): Range[] | undefined {
  const settled = ranges.map(({ lowest, highest }) => ({ lowest: lowest.slice(), highest: highest.slice() }));
  const links = pings.map((ping) => new Link(limits, settled, ping));
  for (let round = 0; round < MOST_ROUNDS; round++) {
    let isChanged = false;
    for (const [machine, range] of settled.entries())
      isChanged = sweep(range, limits[machine] as OffsetLimits) || isChanged;
    for (const link of links) isChanged = link.tighten() || isChanged;
    if (settled.some(({ lowest, highest }) => lowest.some((low, point) => low > (highest[point] as number))))
      return undefined;
    if (!isChanged) return settled;
  }
  return undefined;
}

/** What one ping says of two points of one machine and two of the other. */
class Link {
  readonly #own: Range;
  readonly #other: Range;
  /** The points beside the moment. */
  readonly #at: Beside;
  readonly #otherAt: Beside;
  /** The least and the most by which the own offset is above the other, without their trends. */
  readonly #least: number;
  readonly #most: number;

  constructor(limits: readonly OffsetLimits[], ranges: readonly Range[], ping: Ping) {
    const [own, other] = [limits[ping.machine] as OffsetLimits, limits[ping.other] as OffsetLimits];
    this.#own = ranges[ping.machine] as Range;
    this.#other = ranges[ping.other] as Range;
    this.#at = besideOf(own, ping.atUs);
    this.#otherAt = besideOf(other, ping.otherUs);
    const aboveUs = ping.otherUs - ping.atUs + other.driftUs(ping.otherUs) - own.driftUs(ping.atUs);
    const isOnLine = [this.#at, this.#otherAt].some(([before, after]) => before !== after); // rounded once more
    const marginUs = ping.errorUs - ROUNDING_US - (isOnLine ? 1 : 0);
    this.#least = aboveUs - marginUs;
    this.#most = aboveUs + marginUs;
  }

  /** Whether a bound became tighter. */
  tighten(): boolean {
    const [own, other] = [this.#own, this.#other];
    const [at, otherAt] = [this.#at, this.#otherAt];
    const changes = [
      raise(own.lowest, at, greater(other.lowest, otherAt) + this.#least),
      lower(own.highest, at, smaller(other.highest, otherAt) + this.#most),
      raise(other.lowest, otherAt, greater(own.lowest, at) - this.#most),
      lower(other.highest, otherAt, smaller(own.highest, at) - this.#least),
    ];
    return changes.includes(true);
  }
}

/** Two points, or one twice. */
type Beside = readonly [number, number];

function besideOf({ times }: OffsetLimits, us: number): Beside {
  const before = times.pointBefore(Math.round(us));
  return [before, times.pointAfter(Math.round(us), before)];
}

function greater(bounds: Float64Array, [one, other]: Beside): number {
  return Math.max(bounds[one] as number, bounds[other] as number);
}

function smaller(bounds: Float64Array, [one, other]: Beside): number {
  return Math.min(bounds[one] as number, bounds[other] as number);
}

/** Raises the bounds at both points; whether one was lower. */
function raise(bounds: Float64Array, beside: Beside, least: number): boolean {
  if (least <= smaller(bounds, beside)) return false;
  for (const at of beside) bounds[at] = Math.max(bounds[at] as number, least);
  return true;
}

function lower(bounds: Float64Array, beside: Beside, most: number): boolean {
  if (most >= greater(bounds, beside)) return false;
  for (const at of beside) bounds[at] = Math.min(bounds[at] as number, most);
  return true;
}

/** Bounds neighboring points by one another, as far as the offset can drift between them. Whether a bound became tighter. */
function sweep({ lowest, highest }: Range, limits: OffsetLimits): boolean {
  let isChanged = false;
  const bound = (at: number, by: number) => {
    const stepUs = limits.stepUs(Math.min(at, by));
    const [least, most] = [(lowest[by] as number) - stepUs, (highest[by] as number) + stepUs];
    if (least > (lowest[at] as number)) [lowest[at], isChanged] = [least, true];
    if (most < (highest[at] as number)) [highest[at], isChanged] = [most, true];
  };
  for (let at = 1; at < lowest.length; at++) bound(at, at - 1);
  for (let at = lowest.length - 2; at >= 0; at--) bound(at, at + 1);
  return isChanged;
}
