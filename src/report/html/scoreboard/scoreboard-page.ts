import type { Scoreboard } from '../../scoreboard/scoreboard.ts';
import { printable } from '../../text.ts';
import { type PageAssets, renderDocument } from '../document.ts';
import { element } from '../markup.ts';
import { renderBoardTable } from './board-table.ts';
import { renderIntro } from './intro.ts';
import { renderLimiterDetails } from './limiter-details.ts';

/**
 * The scoreboard as one self-contained page. All of it is in the markup, readable without its script; the script sorts,
 * filters and shows details beside the table.
 */
export function renderScoreboardHtml(untrusted: Scoreboard, assets: PageAssets): string {
  const board = printable(untrusted);
  const limiters = board.limiters.toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
  const body = [
    element(
      'header',
      { class: 'bar-top' },
      element('span', { class: 'brand' }, 'openclaw-rl'),
      element('span', { class: 'quiet' }, 'scoreboard'),
    ),
    element(
      'main',
      { class: board.scenarios.length > MOST_WITHOUT_SCROLL ? 'wide' : undefined },
      renderIntro(board),
      element('noscript', {}, element('p', { class: 'hint' }, WITHOUT_SCRIPT)),
      element(
        'section',
        { id: 'table', 'aria-label': 'The table' },
        element(
          'div',
          { class: 'scroll', id: 'box', tabindex: 0, role: 'group', 'aria-label': 'Table of limiters' },
          renderBoardTable(board, limiters),
        ),
      ),
      element(
        'section',
        { id: 'details', 'aria-labelledby': 'details-heading' },
        element('h2', { id: 'details-heading' }, 'Every limiter and every cell'),
        ...limiters.map((limiter) => renderLimiterDetails(limiter, board)),
      ),
      element('footer', {}, element('p', {}, 'This page needs no network and sends nothing.')),
    ),
  ];
  return renderDocument({ title: 'Scoreboard of rate limiters', body: body.map(({ html }) => html) }, assets);
}

/** More columns than these do not fit a common screen. */
const MOST_WITHOUT_SCROLL = 8;

const WITHOUT_SCRIPT =
  'Without JavaScript the table is not sorted or filtered. Each cell leads to its details below the table.';
