import { RecordError } from '../records/fields.ts';
import type { Charge, Operation } from '../records/operation.ts';
import { heldTokens } from '../records/reservation.ts';

/**
 * The attempts of reservations that have later steps. Each is read with the extensions that it has itself, so a settlement
 * beside extensions of another attempt would give back too little.
 */
export class ReservationAttempts {
  readonly #first = new Map<string, { readonly index: number; readonly held: number }>();

  /** Throws RecordError if an earlier attempt of the reservation holds another number of tokens. */
  add(operation: Operation, charge: Charge): void {
    const { decisionId, index, settled, extended } = operation;
    if (decisionId === undefined || (settled === undefined && extended === undefined)) return;
    const { certain, possible } = heldTokens(operation, charge);
    const held = certain + possible;
    const key = JSON.stringify([decisionId, charge.bucket, charge.policy]);
    const first = this.#first.get(key) ?? { index, held };
    this.#first.set(key, first);
    if (first.held === held) return;
    throw new RecordError(
      `operations ${first.index} and ${index} are attempts of one reservation, but hold ${first.held} and ${held} tokens; ` +
        'write settled and extended of all processes into one of them',
    );
  }
}
