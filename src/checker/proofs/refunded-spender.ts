import type { LatestSpender } from './latest-spender.ts';
import type { Refund } from './refund.ts';

/** A refund, and what it adds to the level, at least, once it is over. */
interface Share {
  readonly refund: Refund;
  quanta: number;
}

interface Moment {
  readonly us: number;
  readonly isEnd: boolean;
  readonly share: Share;
}

/**
 * The lowest level of a bucket to which tokens certainly came back. Quanta.
 *
 * A refund of q is lost in part where the bucket has less room. All spends come as late as possible, so it finds the least
 * room where it comes as early as possible: min(C, L + q) - s <= min(C, L - s + q). It is certain only once it is over. So
 * it has a share of the level from its start on, and the level rises by its share at its end. With X the level without
 * pending refunds, a bucket to which any set of them has come back holds at least X and the shares of that set:
 *   at the start of a refund  its share is q, or the room that X and the shares before it leave;
 *   at a refill               X and all shares together stay below C: the shares shrink, the latest first;
 *   at a spend                a floor at 0 that lifts X by d takes d from each share, since no bucket is negative then.
 * A refund without an end, or that may not have been made, can only raise a level: the caller leaves it out.
 * Times must not decrease.
 */
export class RefundedSpender {
  readonly #spender: LatestSpender;
  readonly #capacityQuanta: number;
  readonly #moments: readonly Moment[];
  #next = 0;
  #pending: Share[] = [];
  /** What has certainly come back so far. */
  returnedQuanta = 0;

  constructor(spender: LatestSpender, capacityQuanta: number, refunds: readonly Refund[]) {
    this.#spender = spender;
    this.#capacityQuanta = capacityQuanta;
    this.#moments = momentsOf(refunds);
  }

  /** Brings the level up to `us`. A refund that ends at this very moment may still be on its way. */
  levelAt(us: number): number {
    for (let moment = this.#moments[this.#next]; moment !== undefined; moment = this.#moments[++this.#next]) {
      if (moment.us > us || (moment.isEnd && moment.us === us)) break;
      this.#shrinkShares(this.#spender.levelAt(moment.us));
      if (moment.isEnd) this.#end(moment);
      else this.#begin(moment);
    }
    const level = this.#spender.levelAt(us);
    this.#shrinkShares(level);
    return level;
  }

  /** Spends at `us` and returns the level after it. */
  spend(us: number, quanta: number): number {
    const liftedQuanta = Math.max(0, quanta - this.levelAt(us));
    for (const share of this.#pending) share.quanta = Math.max(0, share.quanta - liftedQuanta);
    return this.#spender.spend(us, quanta);
  }

  #begin({ us, share }: Moment): void {
    const taken = this.#pending.reduce((sum, { quanta }) => sum + quanta, this.#spender.levelAt(us));
    share.quanta = Math.min(share.refund.quanta, Math.max(0, this.#capacityQuanta - taken));
    this.#pending.push(share);
  }

  #end({ us, share }: Moment): void {
    this.#pending.splice(this.#pending.indexOf(share), 1);
    this.#spender.give(us, share.quanta);
    this.returnedQuanta += share.quanta;
  }

  #shrinkShares(levelQuanta: number): void {
    let room = this.#capacityQuanta - levelQuanta;
    for (const share of this.#pending) {
      share.quanta = Math.min(share.quanta, room);
      room -= share.quanta;
    }
  }
}

/** In the order of time. A refund begins before it ends. */
function momentsOf(refunds: readonly Refund[]): Moment[] {
  return refunds
    .flatMap((refund): Moment[] => {
      const share = { refund, quanta: 0 };
      return [
        { us: refund.fromUs, isEnd: false, share },
        { us: refund.lastUs, isEnd: true, share },
      ];
    })
    .sort((a, b) => a.us - b.us || Number(a.isEnd) - Number(b.isEnd));
}
