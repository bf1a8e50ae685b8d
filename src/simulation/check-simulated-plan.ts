import { invalidOption } from '../core/errors.ts';
import type { Plan } from '../scenario/plan.ts';

const REALLY = 'run it without --simulate';

/** Throws INVALID_OPTION for a plan with something that has no model. */
export function checkSimulatedPlan({ limiter, faults, topology: { kind } }: Plan): void {
  if (limiter !== undefined)
    throw invalidOption(
      'a plug-in decides by its own clocks and connections, which cannot be simulated',
      REALLY,
    );
  if (kind !== undefined)
    throw invalidOption(`a topology of kind ${kind} cannot be simulated yet: only a Redis Cluster`, REALLY);
  const [first] = faults;
  if (first?.fault === 'command')
    throw invalidOption('a command breaks what exists, and a simulation has only models', REALLY);
  if (first !== undefined) throw invalidOption(`fault ${first.fault} cannot be simulated yet`, REALLY);
}
