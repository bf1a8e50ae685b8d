import type { Scoreboard, ScoreboardCell, ScoreboardLimiter } from '../../scoreboard/scoreboard.ts';
import { element, type Markup } from '../markup.ts';
import { worstText } from './figures.ts';
import { cellHref, limiterHref } from './fragment.ts';
import { statusBadge } from './statuses.ts';

/**
 * The table limiter by scenario. Roles are stated since a phone shows rows as cards; what the script sorts and filters by
 * is in `data-` attributes.
 */
export function renderBoardTable(board: Scoreboard, limiters: readonly ScoreboardLimiter[]): Markup {
  const cells = new Map(board.cells.map((cell) => [`${cell.limiter}\n${cell.scenario}`, cell]));
  return element(
    'table',
    { class: 'board', role: 'table', 'aria-label': 'Limiters by scenario' },
    element(
      'thead',
      { role: 'rowgroup' },
      element(
        'tr',
        { role: 'row' },
        element('th', { role: 'columnheader', scope: 'col' }, 'limiter'),
        ...board.scenarios.map(({ id, title, about }) =>
          element('th', { role: 'columnheader', scope: 'col', 'data-scenario': id, title: about }, title),
        ),
      ),
    ),
    element(
      'tbody',
      { role: 'rowgroup' },
      ...limiters.map((limiter) =>
        element(
          'tr',
          rowAttributes(limiter),
          renderRowHead(limiter),
          ...board.scenarios.map(({ id, title }) =>
            renderCell(cells.get(`${limiter.id}\n${id}`), { id, title }),
          ),
        ),
      ),
    ),
  );
}

function rowAttributes({ id, name, language, setting, version, promise, says, isOurs }: ScoreboardLimiter) {
  return {
    role: 'row',
    class: isOurs ? 'is-ours' : undefined,
    'data-limiter': id,
    'data-name': name,
    'data-language': language,
    'data-text': [id, name, language, setting, version, promise, says, isOurs ? OURS : '']
      .join('\n')
      .toLowerCase(),
  };
}

const OURS = 'ours';

function renderRowHead({ id, name, language, promise, isOurs }: ScoreboardLimiter): Markup {
  return element(
    'th',
    { role: 'rowheader', scope: 'row' },
    element('a', { class: 'name', href: limiterHref(id) }, name),
    isOurs ? element('span', { class: 'ours' }, OURS) : undefined,
    element('span', { class: 'under' }, `${language} · ${promise}`),
  );
}

function renderCell(
  cell: ScoreboardCell | undefined,
  { id, title }: { readonly id: string; readonly title: string },
): Markup {
  const place = { role: 'cell', 'data-scenario': id, 'data-title': title };
  if (cell === undefined) return element('td', place);
  const { status, figures } = cell;
  return element(
    'td',
    {
      ...place,
      'data-status': status,
      'data-excess': status === 'unknown' ? undefined : figures?.excess.tokens,
      'data-availability': figures?.decided ?? undefined,
      'data-p50': figures?.p50Us ?? undefined,
    },
    element('a', { class: 'cell', href: cellHref(cell.limiter, id) }, statusBadge(status), renderWorst(cell)),
  );
}

/** Too little evidence shows no excess, and rules out none. */
function renderWorst({ figures, status }: ScoreboardCell): Markup | undefined {
  if (figures === null) return undefined;
  return element('span', { class: 'figure' }, status === 'unknown' ? '' : worstText(figures));
}
