import type { Time, Timer } from '../../../core/time.ts';
import type { LentBucket } from './lent-buckets.ts';

/** A batch of so many is sent at once: more would delay decisions. */
const FULL = 256;

/**
 * The buckets whose next request no take waits for. They are sent together, so that those of one node share a WAIT,
 * `waitMs` after the first of them at the latest.
 */
export class Batch {
  readonly #time: Time;
  readonly #waitMs: number;
  readonly #send: (bucket: LentBucket) => void;
  #buckets: LentBucket[] = [];
  #timer: Timer | undefined;

  constructor(time: Time, waitMs: number, send: (bucket: LentBucket) => void) {
    this.#time = time;
    this.#waitMs = waitMs;
    this.#send = send;
  }

  add(bucket: LentBucket): void {
    bucket.isDue = true;
    this.#buckets.push(bucket);
    if (this.#buckets.length >= FULL) this.#sendAll();
    else this.#timer ??= this.#time.after(this.#waitMs, () => this.#sendAll());
  }

  close(): void {
    this.#timer?.cancel();
    this.#buckets = [];
  }

  #sendAll(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const buckets = this.#buckets;
    this.#buckets = [];
    for (const bucket of buckets) {
      bucket.isDue = false;
      this.#send(bucket);
    }
  }
}
