import { printable } from '../../core/printable.ts';
import { partText } from '../../history/parts/parts.ts';
import { type Event, PROBLEM_EVENT } from '../../history/records/operation.ts';

/** The most problems that are named, and the most characters of each. */
const MOST_NAMED = 20;
const MOST_CHARACTERS = 500;

/** A sentence for each problem that a recorder found, with its part. */
export function recordedProblems(events: readonly Event[]): string[] {
  const all = events.filter(({ event }) => event === PROBLEM_EVENT);
  const named = all.slice(0, MOST_NAMED).map(sentence);
  const more = all.length - named.length;
  return more === 0
    ? named
    : [...named, `${more} more ${more === 1 ? 'problem is' : 'problems are'} recorded`];
}

function sentence({ part, args }: Event): string {
  const text = typeof args?.text === 'string' ? args.text : 'a problem without a text';
  const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 3)}...` : text;
  return printable(part === undefined ? shown : `${partText(part)}: ${shown}`);
}
