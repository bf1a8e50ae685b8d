import type { CellStatus } from '../../scoreboard/scoreboard.ts';
import { element, type Markup } from '../markup.ts';

/** Each status by its sign, its word and its meaning: a status is never a colour alone. */
export const STATUSES = {
  kept: { sign: '✓', word: 'kept', means: 'The run found nothing against the limiter’s own promise.' },
  broken: {
    sign: '✗',
    word: 'broken',
    means: 'The run has a proof against the promise, and the promise is for this scenario.',
  },
  exceeded: {
    sign: '▲',
    word: 'exceeded',
    means:
      'The run has such a proof too, but the limiter promises nothing for this scenario: measured, not held against it.',
  },
  unknown: { sign: '?', word: 'unknown', means: 'The run has too little evidence. The cell says why.' },
  'not-run': { sign: '–', word: 'not run', means: 'There is no run. The cell says why.' },
} as const satisfies Record<CellStatus, { sign: string; word: string; means: string }>;

/** The status as sign and word. */
export function statusBadge(status: CellStatus): Markup {
  const { sign, word } = STATUSES[status];
  return element(
    'span',
    { class: `status ${status}` },
    element('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    ` ${word}`,
  );
}
