import { NOT_PLANNED, type Planned } from './planned.ts';

/** So many cancelled plans stay at least. */
const MOST_CANCELLED = 1_000;

/**
 * A binary heap of plans: the earliest is first, and of one instant the one that was planned first. A cancelled plan stays
 * until it is due: its order is then no longer that of its object. Numbers have arrays of their own, without an object each.
 */
export class EventHeap {
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #planned: Planned[] = [];
  #cancelled = 0;

  /** Whether there is a first one, and it is due by then. */
  isDue(byUs: number): boolean {
    return this.#times.length > 0 && (this.#times[0] as number) <= byUs;
  }

  /** When the first is due, microseconds. Only where there is one. */
  get firstUs(): number {
    return this.#times[0] as number;
  }

  add(atUs: number, planned: Planned): void {
    this.#rise(atUs, planned.order, planned);
  }

  /** Takes the first, which is not planned any more; undefined if it was cancelled. Only where there is one. */
  take(): Planned | undefined {
    const planned = this.#planned[0] as Planned;
    const isCancelled = planned.order !== this.#orders[0];
    const atUs = this.#times.pop() as number;
    const order = this.#orders.pop() as number;
    const last = this.#planned.pop() as Planned;
    if (this.#times.length > 0) this.#sink(atUs, order, last);
    if (isCancelled) {
      this.#cancelled--;
      return undefined;
    }
    planned.order = NOT_PLANNED;
    return planned;
  }

  /** Does nothing if it is not planned. */
  cancel(planned: Planned): void {
    if (planned.order === NOT_PLANNED) return;
    planned.order = NOT_PLANNED;
    this.#cancelled++;
    if (this.#cancelled > MOST_CANCELLED && this.#cancelled * 2 > this.#times.length) this.#sweep();
  }

  /** Drops what is cancelled: most timers of commands are, long before they are due. */
  #sweep(): void {
    const [times, orders] = [this.#times.splice(0), this.#orders.splice(0)];
    this.#cancelled = 0;
    for (const [at, planned] of this.#planned.splice(0).entries()) {
      const order = orders[at] as number;
      if (planned.order === order) this.#rise(times[at] as number, order, planned);
    }
  }

  /** Puts a plan at the end, or above it. */
  #rise(atUs: number, order: number, planned: Planned): void {
    let at = this.#times.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isAfter(parent, atUs, order)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, atUs, order, planned);
  }

  /** Puts a plan at the top, or below it. */
  #sink(atUs: number, order: number, planned: Planned): void {
    const { length } = this.#times;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < length && this.#isAfter(child, this.#times[right] as number, this.#orders[right] as number))
        child = right;
      if (this.#isAfter(child, atUs, order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, atUs, order, planned);
  }

  #isAfter(place: number, atUs: number, order: number): boolean {
    const ownUs = this.#times[place] as number;
    return ownUs > atUs || (ownUs === atUs && (this.#orders[place] as number) > order);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from] as number, this.#orders[from] as number, this.#planned[from] as Planned);
  }

  #put(place: number, atUs: number, order: number, planned: Planned): void {
    this.#times[place] = atUs;
    this.#orders[place] = order;
    this.#planned[place] = planned;
  }
}
