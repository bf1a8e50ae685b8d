import { printable } from '../../core/printable.ts';
import type { History } from '../../history/history.ts';
import { OUTSIDE_EVENT } from '../../history/records/operation.ts';
import type { CheckFacts } from './facts.ts';

/** The most things that are named, and the most characters of each. */
const MOST_NAMED = 10;
const MOST_CHARACTERS = 100;

type Recorded = Pick<History, 'header' | 'events'>;

/** Whether a history is of a simulation, and why nothing is judged of a limiter that left it, as sentences. */
export function simulationFacts(history: Recorded): Pick<CheckFacts, 'simulated' | 'outside'> {
  const { simulated, strategy } = history.header;
  const used = usedIn(history, 'harmful');
  const outside = differencesIn(history).map(
    ({ line, first, second }) =>
      `cannot decide: ${strategy} decides by something that the seed does not determine: its beginning was simulated twice, and line ${line} of the history was ${first} and then ${second}`,
  );
  if (used !== '')
    outside.unshift(
      `cannot decide: ${strategy} used ${used} outside virtual time, so the times of its operations are not those of its decisions`,
    );
  return { ...(simulated && { simulated }), ...(outside.length > 0 && { outside }) };
}

/** A note on what the limiter used outside the simulation that changes no verdict. */
export function harmlessOutside(history: Recorded): string[] {
  const used = usedIn(history, 'harmless');
  if (used === '') return [];
  return [
    `${history.header.strategy} used ${used}, which the seed does not determine: the verdict is of this history, and the same seed gives another one`,
  ];
}

function usedIn({ events }: Recorded, kind: 'harmful' | 'harmless'): string {
  const names = events
    .filter(({ event, args }) => event === OUTSIDE_EVENT && args?.line === undefined)
    .filter(({ args }) => (args?.harmless === true) === (kind === 'harmless'))
    .map(({ args }) => shown(args?.used ?? 'a clock'));
  return [...new Set(names)].slice(0, MOST_NAMED).join(', ');
}

/** Where a second simulation of the same seed had another history. */
function differencesIn({ events }: Recorded) {
  return events
    .filter(({ event, args }) => event === OUTSIDE_EVENT && args?.line !== undefined)
    .slice(0, 1)
    .map(({ args }) => ({
      line: shown(args?.line),
      first: shown(args?.first),
      second: shown(args?.second),
    }));
}

function shown(value: unknown): string {
  return printable(String(value).slice(0, MOST_CHARACTERS));
}
