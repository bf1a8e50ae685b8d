import type { Draft } from './draft.ts';
import type { Interner } from './interner.ts';
import type { ClockReading } from './operation.ts';

/** One reading is kept for each node and slot: the sharpest. */
const FIRST_SLOT_US = 250_000;

/** Above this many, slots become twice as long: a run of weeks must not hold more than one of minutes. */
const MOST_READINGS = 16_384;

interface Reading {
  readonly atUs: number;
  readonly serverUs: number;
  readonly errorUs: number;
}

/**
 * A decision that carries its server's time is a reading of that server's clock: the time lies somewhere in the
 * operation's interval. Keeps the sharpest of each quarter of a second, in runs of days of each few seconds.
 * An attempt of a named decision says nothing: its answer may repeat that of an attempt before.
 */
export class DecisionClock {
  readonly #byNode = new Map<number, Map<number, Reading>>();
  #slotUs = FIRST_SLOT_US;
  #aheadUs = 0;
  #count = 0;

  /** The most by which a bucket's time was ahead of the clock of the server that decided: it waits as long. */
  get aheadUs(): number {
    return this.#aheadUs;
  }

  add({ node, atUs: serverUs, bucketUs, invokedUs, completedUs, decisionId }: Draft): void {
    if (bucketUs - serverUs > this.#aheadUs) this.#aheadUs = bucketUs - serverUs;
    const errorUs = (completedUs - invokedUs) / 2 + 1;
    if (node < 0 || decisionId >= 0 || Number.isNaN(serverUs) || Number.isNaN(errorUs)) return;
    let slots = this.#byNode.get(node);
    if (slots === undefined) {
      slots = new Map();
      this.#byNode.set(node, slots);
    }
    const slot = Math.floor(invokedUs / this.#slotUs);
    const best = slots.get(slot);
    if (best !== undefined && best.errorUs <= errorUs) return;
    slots.set(slot, { atUs: (invokedUs + completedUs) / 2, serverUs, errorUs });
    if (best === undefined && ++this.#count > MOST_READINGS) this.#coarsen();
  }

  readings(texts: Interner): ClockReading[] {
    return [...this.#byNode].flatMap(([node, slots]) => {
      const name = texts.textOf(node);
      return [...slots.values()].map((reading) => ({ type: 'clock' as const, node: name, ...reading }));
    });
  }

  #coarsen(): void {
    this.#slotUs *= 2;
    this.#count = 0;
    for (const [node, slots] of this.#byNode) {
      const longer = new Map<number, Reading>();
      for (const [slot, reading] of slots) {
        const best = longer.get(Math.floor(slot / 2));
        if (best === undefined || reading.errorUs < best.errorUs) longer.set(Math.floor(slot / 2), reading);
      }
      this.#byNode.set(node, longer);
      this.#count += longer.size;
    }
  }
}
