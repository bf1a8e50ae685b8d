import type { Random } from '../../core/prng.ts';
import type { VirtualTime } from '../virtual-time.ts';
import { DelayQueue, type Output } from './delay-queue.ts';

/** What a proxy does to the data of one direction, as the toxics `latency`, `bandwidth` and `timeout` do. */
export type Toxic = { readonly name: string } & (
  | { readonly type: 'latency'; readonly latencyMs: number; readonly jitterMs: number }
  | { readonly type: 'bandwidth'; readonly rateKBps: number }
  /** Drops all data. Its removal closes the connection. */
  | { readonly type: 'swallow' }
);

interface SlotOptions {
  readonly toxic: Toxic;
  readonly next: Output;
  readonly time: VirtualTime;
  readonly random: Random;
}

const US_PER_MS = 1_000;
/** What a change of a toxic lets pass arrives after the change, so that no reply to it precedes the rest of the change. */
const AT_ONCE_US = 1;

/** One toxic on one direction of one connection. */
export class Slot implements Output {
  toxic: Toxic;
  next: Output;
  readonly #queue: DelayQueue;
  readonly #time: VirtualTime;
  readonly #random: Random;
  #freeUs = 0;
  #isOver = false;

  constructor({ toxic, next, time, random }: SlotOptions) {
    this.toxic = toxic;
    this.next = next;
    this.#time = time;
    this.#random = random;
    this.#queue = new DelayQueue(time, {
      push: (message, bytes, atUs, receivedUs) => this.next.push(message, bytes, atUs, receivedUs),
      end: (atUs) => this.#passEnd(atUs),
    });
  }

  push(message: unknown, bytes: number, atUs: number, receivedUs: number): void {
    const { toxic } = this;
    if (this.#isOver || toxic.type === 'swallow') return;
    if (toxic.type === 'bandwidth') {
      this.#freeUs = Math.max(this.#freeUs, atUs) + (bytes * US_PER_MS) / toxic.rateKBps; // 1 kB/s is 1 byte/ms
      this.#queue.add({ message, bytes, dueUs: this.#freeUs, receivedUs, nextReceivedUs: receivedUs });
      return;
    }
    const turnUs = Math.max(atUs, this.#queue.lastDueUs);
    const waitUs = receivedUs + this.#drawUs(toxic) - turnUs;
    // As in Toxiproxy, the time of receipt grows by the wait, not by the latency.
    const dueUs = turnUs + Math.max(0, waitUs);
    this.#queue.add({ message, bytes, dueUs, receivedUs, nextReceivedUs: receivedUs + waitUs });
  }

  end(atUs: number): void {
    if (this.#isOver) return;
    if (this.toxic.type === 'swallow') this.#passEnd(atUs);
    else this.#queue.end(atUs);
  }

  /** Starts again: the oldest message that it holds passes at once, and the toxic as it is now delays the others. */
  restart(toxic: Toxic = this.toxic): void {
    this.toxic = toxic;
    if (this.#isOver) return;
    const { nowUs } = this.#time;
    const { held, hasEnd } = this.#queue.stop();
    this.#queue.lastDueUs = 0;
    this.#freeUs = nowUs;
    const [oldest, ...rest] = held;
    if (oldest !== undefined)
      this.next.push(oldest.message, oldest.bytes, nowUs + AT_ONCE_US, oldest.receivedUs);
    for (const { message, bytes, receivedUs } of rest) this.push(message, bytes, nowUs, receivedUs);
    if (hasEnd) this.end(nowUs);
  }

  /** The toxic is removed: what it holds passes at once. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { nowUs } = this.#time;
    const { held, hasEnd } = this.#queue.stop();
    for (const { message, bytes, receivedUs } of held)
      this.next.push(message, bytes, nowUs + AT_ONCE_US, receivedUs);
    if (hasEnd || this.toxic.type === 'swallow') this.next.end(nowUs + AT_ONCE_US);
  }

  /** Drops all that it holds. */
  stop(): void {
    this.#isOver = true;
    this.#queue.stop();
  }

  #passEnd(atUs: number): void {
    this.#isOver = true;
    this.next.end(atUs);
  }

  /** The latency plus a whole number of milliseconds of [-jitter, jitter). */
  #drawUs({ latencyMs, jitterMs }: { readonly latencyMs: number; readonly jitterMs: number }): number {
    const addedMs = jitterMs > 0 ? Math.floor(this.#random() * 2 * jitterMs) - jitterMs : 0;
    return (latencyMs + addedMs) * US_PER_MS;
  }
}
