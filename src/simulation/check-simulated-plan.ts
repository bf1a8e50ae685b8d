import { invalidOption } from '../core/errors.ts';
import type { Plan } from '../scenario/plan.ts';
import { whyNotSimulated } from './faults/registry.ts';

const REALLY = 'run it without --simulate';

/** Throws INVALID_OPTION for a plan with something that has no model. */
export function checkSimulatedPlan({ limiter, faults }: Plan): void {
  if (limiter !== undefined)
    throw invalidOption(
      'a plug-in decides by its own clocks and connections, which cannot be simulated',
      REALLY,
    );
  for (const { fault } of faults) {
    const lack = whyNotSimulated(fault);
    if (lack !== undefined) throw invalidOption(`fault ${fault} cannot be simulated: ${lack.why}`, lack.hint);
  }
}
