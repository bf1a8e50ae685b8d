import type { Policy } from '../../core/policy.ts';
import { BusyBucket, type BusyPeriod } from './busy-bucket.ts';
import { type Attempt, type Gain, startOf } from './demands.ts';
import type { GroupDemands, Part } from './group-demands.ts';
import type { Ideal, Level } from './ideal.ts';
import { idealBucket } from './ideal-bucket.ts';

/** Ideal token bucket of a group, which begin full. A decision charges all its buckets or none. */
export function idealGroup(
  demands: GroupDemands,
  buckets: readonly number[],
  policyOf: (bucket: number) => Policy,
): Ideal<BusyPeriod> {
  const { later } = idealBucket(policyOf(buckets[0] as number));
  return {
    begin: (_, attempt) => new GroupLevel(demands, attempt, policyOf),
    arrange: () => demands,
    reorder: () => undefined,
    later,
  };
}

/** The levels of the buckets of a group. Each is brought to the moment when a row needs it. */
class GroupLevel implements Level<BusyPeriod> {
  readonly #demands: GroupDemands;
  readonly #attempt: Attempt;
  readonly #policyOf: (bucket: number) => Policy;
  readonly #startUs: number;
  readonly #levels = new Map<number, BusyBucket>();
  nowUs: number;
  readonly quanta = Number.NaN;

  constructor(demands: GroupDemands, attempt: Attempt, policyOf: (bucket: number) => Policy) {
    this.#demands = demands;
    this.#attempt = attempt;
    this.#policyOf = policyOf;
    this.#startUs = startOf(demands);
    this.nowUs = this.#startUs;
  }

  /** Its level is not one number. */
  levelAt(): number {
    return Number.POSITIVE_INFINITY;
  }

  has(row: number): boolean {
    return this.#demands.partsOf(row).every((part) => this.#levelOf(part).has(part.row));
  }

  availableUs(row: number): number {
    return this.#demands
      .partsOf(row)
      .reduce((us, part) => Math.max(us, this.#levelOf(part).availableUs(part.row)), this.nowUs);
  }

  refill(us: number): void {
    this.nowUs = Math.max(this.nowUs, us);
  }

  take(row: number, untilUs: number): void {
    for (const part of this.#demands.partsOf(row)) this.#levelOf(part).take(part.row, untilUs);
  }

  gain(gain: Gain): void {
    for (const part of this.#demands.partsOf(gain.row))
      this.#levelOf(part).gain({ ...gain, quanta: -this.#demands.quantaOf(part.row) });
  }

  needed(row: number): number {
    return this.#nearest(row).needed;
  }

  missOf(row: number): BusyPeriod {
    return this.#nearest(row).level.missOf();
  }

  mayExplain(charge: number, denial: number): boolean {
    const denied = this.#demands.partsOf(denial).map(({ bucket }) => bucket);
    return this.#demands.partsOf(charge).some(({ bucket }) => denied.includes(bucket));
  }

  explainingMoment(): undefined {
    return undefined;
  }

  /** The bucket that lacks least for a denial. */
  #nearest(row: number): { readonly level: BusyBucket; readonly needed: number } {
    return this.#demands
      .partsOf(row)
      .map((part) => {
        const level = this.#levelOf(part);
        return { level, needed: level.needed(part.row) };
      })
      .reduce((best, next) => (next.needed < best.needed ? next : best));
  }

  #levelOf({ bucket }: Part): BusyBucket {
    let level = this.#levels.get(bucket);
    if (level === undefined) {
      const policy = this.#policyOf(bucket);
      const start = { startUs: this.#startUs, startQuanta: policy.capacityQuanta, isStartFree: false };
      level = new BusyBucket(policy, this.#demands, { ...start, holds: this.#attempt.holds });
      this.#levels.set(bucket, level);
    }
    level.refill(this.nowUs);
    return level;
  }
}
