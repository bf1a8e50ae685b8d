import { RecordError } from '../records/fields.ts';
import type { Charge } from '../records/operation.ts';

/** Adds up the charges of each bucket. Throws RecordError for a sum that no row can hold. */
export function joinCharges(charges: readonly Charge[]): Charge[] {
  const joined = new Map<string, Charge>();
  for (const charge of charges) {
    const key = JSON.stringify([charge.bucket, charge.policy]);
    const cost = charge.cost + (joined.get(key)?.cost ?? 0);
    if (Math.abs(cost) >= 2 ** 31)
      throw new RecordError(`the charges of one bucket must total less than 2^31 tokens; found ${cost}`);
    joined.set(key, { ...charge, cost });
  }
  return [...joined.values()];
}
