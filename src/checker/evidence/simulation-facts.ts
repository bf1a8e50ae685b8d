import { printable } from '../../core/printable.ts';
import type { History } from '../../history/history.ts';
import { OUTSIDE_EVENT } from '../../history/records/operation.ts';
import type { CheckFacts } from './facts.ts';

/** The most things that are named, and the most characters of each. */
const MOST_NAMED = 10;
const MOST_CHARACTERS = 100;

type Recorded = Pick<History, 'header' | 'events'>;

/** Whether a history is of a simulation, and why nothing is judged of a limiter that left it, as a sentence. */
export function simulationFacts(history: Recorded): Pick<CheckFacts, 'simulated' | 'outside'> {
  const { simulated, strategy } = history.header;
  const used = usedIn(history, false);
  const outside = `cannot decide: ${strategy} used ${used} outside virtual time, so the times of its operations are not those of its decisions`;
  return { ...(simulated && { simulated }), ...(used !== '' && { outside: [outside] }) };
}

/** A note on what the limiter used outside the simulation that changes no verdict. */
export function harmlessOutside(history: Recorded): string[] {
  const used = usedIn(history, true);
  if (used === '') return [];
  return [
    `${history.header.strategy} used ${used}, which the seed does not determine: the verdict is of this history, and the same seed gives another one`,
  ];
}

function usedIn({ events }: Recorded, isHarmless: boolean): string {
  const names = events
    .filter(({ event, args }) => event === OUTSIDE_EVENT && (args?.harmless === true) === isHarmless)
    .map(({ args }) => printable(String(args?.used ?? 'a clock').slice(0, MOST_CHARACTERS)));
  return [...new Set(names)].slice(0, MOST_NAMED).join(', ');
}
