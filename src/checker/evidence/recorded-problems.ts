import { printable } from '../../core/printable.ts';
import { partText } from '../../history/parts/parts.ts';
import { type Event, PROBLEM_EVENT, problemText } from '../../history/records/operation.ts';

/** The most problems that are named. */
const MOST_NAMED = 20;

/** A sentence for each problem that a recorder found, with its part; none of those that are known as problems of the run. */
export function recordedProblems(events: readonly Event[], known: readonly string[] = []): string[] {
  const texts = new Set(known.map(shown));
  const recorded = events.filter(({ event }) => event === PROBLEM_EVENT).map(sentence);
  const all = recorded.filter((text) => !texts.has(text));
  const named = all.slice(0, MOST_NAMED);
  const more = all.length - named.length;
  return more === 0
    ? named
    : [...named, `${more} more ${more === 1 ? 'problem is' : 'problems are'} recorded`];
}

function sentence({ part, args }: Event): string {
  const text = typeof args?.text === 'string' ? args.text : 'a problem without a text';
  return part === undefined ? shown(text) : printable(`${partText(part)}: ${problemText(text)}`);
}

function shown(problem: string): string {
  return printable(problemText(problem));
}
