import { invalidOption } from '../core/errors.ts';
import type { Plan } from '../scenario/plan.ts';
import { whyNotSimulated } from './faults/registry.ts';

const REALLY = 'run it without --simulate';

/** Gives the plan. Throws INVALID_OPTION if it has something that has no model. */
export function checkSimulatedPlan(plan: Plan): Plan {
  const { limiter, faults } = plan;
  if (limiter !== undefined)
    throw invalidOption(
      'a plug-in decides by its own clocks and connections, which cannot be simulated',
      REALLY,
    );
  for (const { fault } of faults) {
    const lack = whyNotSimulated(fault);
    if (lack !== undefined) throw invalidOption(`fault ${fault} cannot be simulated: ${lack.why}`, lack.hint);
  }
  return plan;
}
