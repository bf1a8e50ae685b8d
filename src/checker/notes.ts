import type { Verdict } from '../core/verdict.ts';
import type { Claim } from './claim.ts';
import type { ClaimResult } from './claims.ts';
import { isOnCorrectness } from './evidence-claims.ts';

export const NOT_CHECKED =
  'no claim is on correctness, so it is not checked: claim total-excess, worst-window, false-denials, replay or windows';

/** What a reader should know beside the reasons of the verdict. */
export function notesOf(claims: readonly Claim[]): readonly string[] {
  return claims.some(isOnCorrectness) ? [] : [NOT_CHECKED];
}

interface Explained {
  readonly verdict: Verdict;
  readonly diagnosis: readonly string[];
  readonly claims: readonly ClaimResult[];
  readonly notes?: readonly string[];
}

/**
 * The causes that the history shows and the notes, as lines with their label. Where the verdict is `pass` no claim is
 * broken by a cause: it is a note, with the claims that hold all the same.
 */
export function remarksOf({ verdict, diagnosis, claims, notes = [] }: Explained) {
  const held = claims.filter(({ kind, status }) => kind === 'correctness' && status === 'holds');
  const tolerant = held.filter(({ measured }) => measured !== null && measured > 0);
  const names = (tolerant.length === 0 ? held : tolerant).map(({ claim }) => claim).join(', ');
  const causes = diagnosis.map((sentence) =>
    verdict === 'pass' && names !== ''
      ? ({ label: 'note', sentence: `${sentence}; no claim is broken by it: ${names} holds` } as const)
      : ({ label: verdict === 'pass' ? 'note' : 'why', sentence } as const),
  );
  return [...causes, ...notes.map((sentence) => ({ label: 'note', sentence }) as const)];
}
