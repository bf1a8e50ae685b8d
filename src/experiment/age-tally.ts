import { AGE_EVENT } from '../history/age-event.ts';
import type { Event, Operation } from '../history/operation.ts';

/** Keeps, of regions that decide side by side, on how old a knowledge of the others each node admitted at most. */
export class AgeTally {
  readonly #byNode = new Map<string, { ageUs: number; unheard: number }>();

  add({ outcome, decision }: Operation): void {
    if (outcome !== 'allowed' || decision === undefined) return;
    if (decision.source === 'fallback') return; // no region decided: the bound counts it as the failure policy's
    const known = this.#byNode.get(decision.node) ?? { ageUs: 0, unheard: 0 };
    this.#byNode.set(decision.node, known);
    if (decision.ageUs === undefined) known.unheard++;
    else known.ageUs = Math.max(known.ageUs, decision.ageUs);
  }

  /** One record a node, for the end of a history. */
  records(atUs: number): Event[] {
    return [...this.#byNode].map(([node, args]) => ({ type: 'event', event: AGE_EVENT, node, atUs, args }));
  }
}
