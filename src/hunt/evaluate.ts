import { OpenclawError } from '../core/errors.ts';
import { simulateHeld } from '../simulation/held-run.ts';
import type { Ground } from './ground.ts';
import { failedOutcome, type Outcome, outcomeOf } from './outcome.ts';
import { planOf, type Schedule } from './schedule.ts';

/** Runs schedules; gives their outcomes in the same order. */
export type Evaluate = (schedules: readonly Schedule[]) => Promise<readonly Outcome[]>;

/** Simulates schedules one after another, in this thread. */
export function evaluateHere(ground: Ground): Evaluate {
  return async (schedules) => {
    const outcomes: Outcome[] = [];
    for (const schedule of schedules) outcomes.push(await simulateSchedule(ground, schedule));
    return outcomes;
  };
}

/** The outcome of one schedule. A fault that could not be injected, or nodes that did not settle, prove nothing. */
async function simulateSchedule(ground: Ground, schedule: Schedule): Promise<Outcome> {
  const plan = planOf(ground, schedule);
  try {
    const { examination } = await simulateHeld({ plan, signal: new AbortController().signal });
    return outcomeOf(ground, plan, examination.report, examination.leastHeadroom);
  } catch (error) {
    if (error instanceof OpenclawError) return failedOutcome(plan, error);
    throw error;
  }
}
