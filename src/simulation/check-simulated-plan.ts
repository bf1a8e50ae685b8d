import { invalidOption } from '../core/errors.ts';
import type { Plan } from '../scenario/plan.ts';
import { whyNotSimulated } from './faults/registry.ts';

/**
 * Gives the plan. Throws INVALID_OPTION if it has something that has no model. Whether a plug-in can be simulated is known
 * only when it is loaded: see `checkSimulated`.
 */
export function checkSimulatedPlan(plan: Plan): Plan {
  for (const { fault } of plan.faults) {
    const lack = whyNotSimulated(fault);
    if (lack !== undefined) throw invalidOption(`fault ${fault} cannot be simulated: ${lack.why}`, lack.hint);
  }
  return plan;
}
