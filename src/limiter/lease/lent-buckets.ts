import type { Subject } from '../limiter.ts';
import { LentBucket, type Shelf } from './lent-bucket.ts';
import type { LeaseTerms } from './protocol.ts';

interface FullShelf extends Shelf {
  readonly buckets: Map<string, LentBucket>;
}

/** The buckets that a process knows, by endpoint and user: to make a key of both for each decision would cost as much. */
export class LentBuckets {
  readonly #holder: number;
  readonly #shelves = new Map<string, FullShelf>();
  #size = 0;
  /** The highest number of a lease of any bucket that was dropped: a name is never used again. */
  #lastLease = 0;
  #walk: Iterator<LentBucket> | undefined;

  /** `holder` is drawn anew at every start of a process. */
  constructor(holder: number) {
    this.#holder = holder;
  }

  get size(): number {
    return this.#size;
  }

  find({ endpoint, user }: Subject): LentBucket | undefined {
    return this.#shelves.get(endpoint)?.buckets.get(user);
  }

  /** A bucket that was not known, without a lease. */
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

  /** The next so many of them all, in turn. */
  *next(count: number): Generator<LentBucket> {
    for (let left = count; left > 0; left--) {
      this.#walk ??= this.all();
      const { value, done } = this.#walk.next();
      if (done) {
        this.#walk = undefined;
        return;
      }
      yield value;
    }
  }
}
