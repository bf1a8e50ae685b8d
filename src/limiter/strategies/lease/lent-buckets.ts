import type { OpenclawError } from '../../../core/errors.ts';
import type { Subject } from '../../limiter.ts';
import type { Demand } from './demand.ts';
import type { Holder } from './holder.ts';
import type { LeaseTerms } from './protocol.ts';
import type { Waiter, Waiting } from './waiters.ts';

/** The common data of all buckets of one endpoint in one process. */
export interface Shelf {
  readonly endpoint: string;
  /** The holder number of this process. */
  readonly holder: number;
}

/**
 * The lease and the demand of one bucket in one process. One object, since there are many: each field costs 8 bytes,
 * and a field with a time 16 more.
 */
export class LentBucket implements Holder, Demand, Waiting {
  lease: number;
  seq = 0;
  granted = 0;
  used = 0;
  returned = 0;
  expiresAtUs = 0;
  isUnanswered = false;
  want = 0;
  need = 0;
  window: number;
  requested = 0;
  usualParts = 0;
  takesInRow = 0;
  lacking = 0;
  borrowers = 1;
  emptyUntilUs = 0;
  homeTokens = 0;
  homeZeroAtUs = 0;
  answerUs = 0;

  terms: LeaseTerms;
  readonly shelf: Shelf;
  readonly user: string;
  /** The primary that replied last. */
  node = '';
  waiting: Waiter[] | undefined = undefined;
  waitingTokens = 0;
  failure: OpenclawError | undefined = undefined;
  isInFlight = false;
  isForeseen = false;
  comingGranted = 0;
  /** Whether its next request is sent with the next batch. */
  isDue = false;

  constructor({
    shelf,
    user,
    terms,
    lastLease,
    window,
  }: {
    shelf: Shelf;
    user: string;
    terms: LeaseTerms;
    /** At least the highest lease number of this bucket in this process. */
    lastLease: number;
    window: number;
  }) {
    this.shelf = shelf;
    this.user = user;
    this.terms = terms;
    this.lease = lastLease;
    this.window = window;
  }

  get holder(): number {
    return this.shelf.holder;
  }
}

interface FullShelf extends Shelf {
  readonly buckets: Map<string, LentBucket>;
}

/** The buckets of a process by endpoint and user; building one key of both would cost as much as a decision. */
export class LentBuckets {
  readonly #holder: number;
  readonly #shelves = new Map<string, FullShelf>();
  #size = 0;
  /** The highest lease number of any bucket that is not kept, since a lease name is never used twice. */
  #lastLease = 0;
  #shelfWalk: Iterator<FullShelf> = [].values();
  /** The buckets of the current shelf that are still to be visited. */
  #walk: Iterable<LentBucket> = [];

  /** `holder` is drawn at random at every start of a process. */
  constructor(holder: number) {
    this.#holder = holder;
  }

  get size(): number {
    return this.#size;
  }

  find({ endpoint, user }: Subject): LentBucket | undefined {
    return this.#shelves.get(endpoint)?.buckets.get(user);
  }

  /** A bucket for one lease only, which is not kept. */
  once({ endpoint, user }: Subject, terms: LeaseTerms, window: number): LentBucket {
    const shelf = { endpoint, holder: this.#holder };
    return new LentBucket({ shelf, user, terms, window, lastLease: this.#lastLease++ });
  }

  /** Adds an unknown bucket, without a lease. */
  add({ endpoint, user }: Subject, terms: LeaseTerms, window: number): LentBucket {
    let shelf = this.#shelves.get(endpoint);
    if (shelf === undefined) {
      shelf = { endpoint, holder: this.#holder, buckets: new Map() };
      this.#shelves.set(endpoint, shelf);
    }
    const bucket = new LentBucket({ shelf, user, terms, window, lastLease: this.#lastLease });
    shelf.buckets.set(user, bucket);
    this.#size++;
    return bucket;
  }

  drop({ shelf, user, lease }: LentBucket): void {
    const { buckets } = shelf as FullShelf;
    this.#lastLease = Math.max(this.#lastLease, lease);
    if (!buckets.delete(user)) return;
    this.#size--;
    if (buckets.size === 0) this.#shelves.delete(shelf.endpoint);
  }

  *all(): Generator<LentBucket> {
    for (const { buckets } of this.#shelves.values()) yield* buckets.values();
  }

  /** Visits the next `count` buckets, round robin. A call ends at the end of a round. */
  visitNext(count: number, visit: (bucket: LentBucket) => void): void {
    for (let left = count; left > 0; ) {
      // A loop over the iterator of a map goes on where the last one stopped, and allocates nothing.
      for (const bucket of this.#walk) {
        visit(bucket);
        if (--left === 0) return;
      }
      const { value: shelf } = this.#shelfWalk.next();
      if (shelf === undefined) {
        this.#shelfWalk = this.#shelves.values();
        return;
      }
      this.#walk = shelf.buckets.values();
    }
  }
}
