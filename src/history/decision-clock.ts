import type { Draft } from './draft.ts';
import type { Interner } from './interner.ts';
import type { ClockReading } from './operation.ts';

/** One reading is kept for each node and slot of this length: the sharpest. */
const SLOT_US = 250_000;

/**
 * A decision that carries its server's time is a reading of that server's clock: the time lies somewhere in
 * the operation's interval. Keeps the sharpest of each quarter of a second, whatever the number of operations.
 */
export class DecisionClock {
  readonly #byNode = new Map<number, Map<number, { atUs: number; serverUs: number; errorUs: number }>>();

  add({ node, atUs: serverUs, invokedUs, completedUs }: Draft): void {
    const errorUs = (completedUs - invokedUs) / 2;
    if (node < 0 || Number.isNaN(serverUs) || Number.isNaN(errorUs)) return;
    let slots = this.#byNode.get(node);
    if (slots === undefined) {
      slots = new Map();
      this.#byNode.set(node, slots);
    }
    const slot = Math.floor(invokedUs / SLOT_US);
    const best = slots.get(slot);
    if (best !== undefined && best.errorUs <= errorUs) return;
    slots.set(slot, { atUs: (invokedUs + completedUs) / 2, serverUs, errorUs: errorUs + 1 });
  }

  readings(texts: Interner): ClockReading[] {
    return [...this.#byNode].flatMap(([node, slots]) => {
      const name = texts.textOf(node);
      return [...slots.values()].map((reading) => ({ type: 'clock' as const, node: name, ...reading }));
    });
  }
}
