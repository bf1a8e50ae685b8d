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
 * It holds on the lines if it holds for both points beside `atUs` with both points beside `otherUs`.
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
      isChanged = sweep(range, (limits[machine] as OffsetLimits).stepUs) || isChanged;
    for (const link of links) isChanged = link.tighten() || isChanged;
    if (settled.some(({ lowest, highest }) => lowest.some((low, bin) => low > (highest[bin] as number))))
      return undefined;
    if (!isChanged) return settled;
  }
  return undefined;
}

/** What one ping says of two points of one machine and two of the other. */
class Link {
  readonly #own: Range;
  readonly #other: Range;
  readonly #bin: number;
  readonly #otherBin: number;
  /** The least and the most by which the own offset is above the other, without their trends. */
  readonly #least: number;
  readonly #most: number;

  constructor(limits: readonly OffsetLimits[], ranges: readonly Range[], ping: Ping) {
    const [own, other] = [limits[ping.machine] as OffsetLimits, limits[ping.other] as OffsetLimits];
    this.#own = ranges[ping.machine] as Range;
    this.#other = ranges[ping.other] as Range;
    this.#bin = own.binOf(ping.atUs);
    this.#otherBin = other.binOf(ping.otherUs);
    const aboveUs = ping.otherUs - ping.atUs + other.driftUs(ping.otherUs) - own.driftUs(ping.atUs);
    const marginUs = ping.errorUs - ROUNDING_US - 1;
    this.#least = Math.ceil(aboveUs - marginUs);
    this.#most = Math.floor(aboveUs + marginUs);
  }

  /** Whether a bound became tighter. */
  tighten(): boolean {
    const [own, other] = [this.#own, this.#other];
    const [at, otherAt] = [this.#bin, this.#otherBin];
    const changes = [
      raise(own.lowest, at, greater(other.lowest, otherAt) + this.#least),
      lower(own.highest, at, smaller(other.highest, otherAt) + this.#most),
      raise(other.lowest, otherAt, greater(own.lowest, at) - this.#most),
      lower(other.highest, otherAt, smaller(own.highest, at) - this.#least),
    ];
    return changes.includes(true);
  }
}

function greater(bounds: Float64Array, bin: number): number {
  return Math.max(bounds[bin] as number, bounds[bin + 1] as number);
}

function smaller(bounds: Float64Array, bin: number): number {
  return Math.min(bounds[bin] as number, bounds[bin + 1] as number);
}

/** Raises the bounds at both ends of a bin; whether one was lower. */
function raise(bounds: Float64Array, bin: number, least: number): boolean {
  if (least <= smaller(bounds, bin)) return false;
  for (const at of [bin, bin + 1]) bounds[at] = Math.max(bounds[at] as number, least);
  return true;
}

function lower(bounds: Float64Array, bin: number, most: number): boolean {
  if (most >= greater(bounds, bin)) return false;
  for (const at of [bin, bin + 1]) bounds[at] = Math.min(bounds[at] as number, most);
  return true;
}

/** Bounds neighboring points by one another, which differ by at most `stepUs`. Whether a bound became tighter. */
function sweep({ lowest, highest }: Range, stepUs: number): boolean {
  let isChanged = false;
  const bound = (at: number, by: number) => {
    const [least, most] = [(lowest[by] as number) - stepUs, (highest[by] as number) + stepUs];
    if (least > (lowest[at] as number)) [lowest[at], isChanged] = [least, true];
    if (most < (highest[at] as number)) [highest[at], isChanged] = [most, true];
  };
  for (let at = 1; at < lowest.length; at++) bound(at, at - 1);
  for (let at = lowest.length - 2; at >= 0; at--) bound(at, at + 1);
  return isChanged;
}
