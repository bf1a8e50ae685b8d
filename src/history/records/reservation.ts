import type { Charge, Operation, Outcome, RecordedExtension } from './operation.ts';

/** What one step of a reservation does to one bucket. `lastUs` is NaN if it is unknown. */
export interface ReservationStep {
  readonly outcome: Outcome;
  /** Negative: tokens that come back. */
  readonly cost: number;
  readonly invokedUs: number;
  readonly lastUs: number;
  /** Names the step among those of its reservation, so that repeated ones are one. */
  readonly name: string;
}

type OfBucket = Pick<Charge, 'bucket' | 'cost' | 'policy'>;

/** A reservation that was settled was admitted, at the latest by then, also if the reply to it was lost. */
export function withAdmission(operation: Operation): Operation {
  const { outcome, settled } = operation;
  if (outcome !== 'info' || settled?.outcome !== 'allowed') return operation;
  return { ...operation, outcome: 'allowed', completedUs: settled.completedUs };
}

/** The tokens of a step in one of its buckets. */
export function tokensOf(
  { cost, charges }: Pick<RecordedExtension, 'cost' | 'charges'>,
  of: OfBucket,
): number {
  if (charges === undefined) return cost;
  const own = charges.filter(({ bucket, policy }) => bucket === of.bucket && policy === of.policy);
  return own.reduce((sum, charge) => sum + charge.cost, 0);
}

/** The tokens that a reservation holds of one bucket before it is settled. `possible`: by extensions without a reply. */
export function heldTokens(
  { extended = [] }: Pick<Operation, 'extended'>,
  charge: OfBucket,
): { readonly certain: number; readonly possible: number } {
  const sum = (outcome: Outcome) =>
    extended
      .filter((step) => step.outcome === outcome)
      .reduce((tokens, step) => tokens + tokensOf(step, charge), 0);
  return { certain: charge.cost + sum('allowed'), possible: sum('info') };
}

/**
 * The steps after the take of a reservation, in one bucket: its extensions, then its settlement, which gives back what is
 * held beyond the real cost, then its expiry, which may give back all of it from `expiresUs` on. Only one of the last two
 * happens. What a settlement gives back is uncertain where an extension has no reply.
 */
export function stepsOf(operation: Operation, charge: OfBucket): ReservationStep[] {
  const { settled, extended = [], expiresUs } = operation;
  if (operation.outcome === 'denied' || operation.outcome === 'failed') return []; // nothing is held
  const isOfSeveral = (operation.charges ?? []).length > 1;
  const steps = extended.flatMap((step, at): ReservationStep[] => {
    const cost = tokensOf(step, charge);
    if (cost === 0) return [];
    const isUnjudged = isOfSeveral && step.outcome === 'denied'; // any of its buckets can be the reason
    const outcome = isUnjudged ? 'failed' : step.outcome;
    return [{ outcome, cost, invokedUs: step.invokedUs, lastUs: lastOf(step), name: String(at) }];
  });
  const { certain, possible } = heldTokens(operation, charge);
  const held = certain + possible;
  if (settled !== undefined) {
    const isOpen = extended.some(({ outcome }) => outcome === 'info');
    steps.push({
      outcome: isOpen ? 'info' : settled.outcome,
      cost: tokensOf(settled, charge) - held,
      invokedUs: settled.invokedUs,
      lastUs: lastOf(settled),
      name: 'settle',
    });
  }
  if (expiresUs !== undefined)
    steps.push({ outcome: 'info', cost: -held, invokedUs: expiresUs, lastUs: Number.NaN, name: 'expire' });
  return steps;
}

function lastOf(step: RecordedExtension): number {
  return (step.outcome === 'info' ? step.latestUs : step.completedUs) ?? Number.NaN;
}
