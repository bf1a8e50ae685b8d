import type { FaultSpec } from '../../scenario/faults/index.ts';
import type { PlannedFault } from '../../scenario/plan.ts';
import type { FaultContext } from '../support/fault.ts';

/** What a look at the system saw of a fault. */
export interface Sight {
  /** Whether the fault was in force. */
  readonly bit: boolean;
  /** A sentence for the report, without its end. */
  readonly saw: string;
}

/** How a fault is proved: what is read before it is compared with what is seen while it is in force. */
export interface Probe {
  /**
   * When it looks. `throughout`: after the injection and before the heal, and both must see it. `in the end`: before the
   * heal, since it grows. `at times`: both, and one is enough, since it comes and goes. `at once`: after the injection,
   * since it is over then. `after the heal`: since it takes until then.
   */
  readonly looks: 'throughout' | 'in the end' | 'at times' | 'at once' | 'after the heal';
  look(): Promise<Sight>;
  /** A further look after the heal, which must see it, too. */
  lookHealed?(): Promise<Sight>;
}

export interface ProbeContext extends FaultContext {
  /** Whether no other fault is in force: only then must all other links work. */
  readonly isAlone: () => boolean;
  /** The other faults of nodes and links whose effects may be seen: in force since the probe was made, or not settled by then. */
  readonly others: () => readonly PlannedFault[];
}

/**
 * Makes the probe of a fault before its injection, and reads what it compares with. Undefined if the fault names no proof.
 */
export type MakeProbe<S extends FaultSpec> = (spec: S, context: ProbeContext) => Promise<Probe | undefined>;

/** The sight of the first that was not bitten; if all were, those of all. */
export function allOf(sights: readonly Sight[]): Sight {
  const failed = sights.find(({ bit }) => !bit);
  return failed ?? { bit: sights.length > 0, saw: sights.map(({ saw }) => saw).join('; ') };
}

/** A look that fails has seen nothing. */
export function failedLook(error: unknown): Sight {
  return { bit: false, saw: `the probe failed: ${error instanceof Error ? error.message : error}` };
}

/** There is no other fault. */
export const ALONE: Pick<ProbeContext, 'isAlone' | 'others'> = { isAlone: () => true, others: () => [] };

/** The probe of a fault that cannot be looked at. */
export function neverSeen(sight: Sight): Probe {
  return { looks: 'at once', look: async () => sight };
}
