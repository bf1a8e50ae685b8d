import type { Event, Operation } from '../../history/records/operation.ts';
import { AGE_EVENT } from '../../history/records/operation.ts';

/** Keeps, for a strategy with `perRegionBucket`, the greatest age of the knowledge on which each node admitted. */
export class AgeTally {
  readonly #byNode = new Map<string, { ageUs: number; unheard: number }>();

  add({ outcome, decision }: Operation): void {
    if (outcome !== 'allowed' || decision === undefined) return;
    if (decision.source === 'fallback') return; // the failure policy decided, which the bound counts separately
    const known = this.#byNode.get(decision.node) ?? { ageUs: 0, unheard: 0 };
    this.#byNode.set(decision.node, known);
    if (decision.ageUs === undefined) known.unheard++;
    else known.ageUs = Math.max(known.ageUs, decision.ageUs);
  }

  /** One event for each node with its greatest age, for the end of a history. */
  records(atUs: number): Event[] {
    return [...this.#byNode].map(([node, args]) => ({ type: 'event', event: AGE_EVENT, node, atUs, args }));
  }
}
