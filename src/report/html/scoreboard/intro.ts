import { count } from '../../../core/units.ts';
import { CELL_STATUSES, type Scoreboard } from '../../scoreboard/scoreboard.ts';
import { element, type Markup } from '../markup.ts';
import { renderList } from './cell-details.ts';
import { wholeText } from './figures.ts';
import { STATUSES, statusBadge } from './statuses.ts';

/** What the table is, how it is read, what a cell does not mean, and how the table is made again. */
export function renderIntro(board: Scoreboard): Markup {
  return element(
    'div',
    { class: 'intro' },
    element('h1', {}, 'Rate limiters under faults'),
    element('p', { class: 'lead' }, LEAD),
    element(
      'dl',
      { class: 'facts' },
      ...factsOf(board).map(([name, value]) =>
        element('div', {}, element('dt', {}, name), element('dd', {}, value)),
      ),
    ),
    element(
      'div',
      { class: 'reading' },
      element(
        'div',
        {},
        element('h2', {}, 'How to read it'),
        renderLegend(board),
        element('p', { class: 'hint' }, HOW),
      ),
      element(
        'div',
        {},
        element('h2', {}, 'What a cell does not mean'),
        element('ul', { class: 'limits' }, ...LIMITS.map((text) => element('li', {}, text))),
      ),
    ),
    element(
      'details',
      { class: 'more-of-it' },
      element('summary', {}, 'What happens in each scenario, and what a figure counts'),
      renderList([...board.scenarios.map(({ title, about }) => [title, about] as const), ...COUNTED]),
    ),
    element(
      'details',
      { class: 'more-of-it' },
      element('summary', {}, 'How it is made again'),
      element('pre', { class: 'again' }, element('code', {}, board.command)),
      element('p', { class: 'hint' }, EARLIER),
      element('p', { class: 'hint', id: 'certificate' }, AGAIN),
    ),
  );
}

const LEAD =
  'Each row is a rate limiter as people install it, in its own language. Each column is a scenario: the same load, alone or with one fault. A cell is one run, judged by what that limiter itself promises.';

const HOW =
  'The number below a status is how far the worst user was above the promise, in tokens or requests, or how many denials were false; “of” names the excess that a strategy of openclaw-rl declares. Open a cell for its figures, its proof and its command, and a limiter for its setting and what its documentation says.';

const LIMITS = [
  'Kept is no proof that the limiter is correct: it says that this run found nothing against it.',
  'Exceeded is no defect: its documentation does not promise the limit under this fault.',
  'A cell is about this version with this setting. Others may do better or worse.',
  'Latency and availability are of one machine and one run. Compare them within this table only.',
];

const COUNTED = [
  [
    'availability',
    'The share of requests that were answered yes or no, as the mean of the regions: during the fault, else over the whole load.',
  ],
  [
    'without a decision',
    'Requests with neither, by the code of their error. LIMITER_FAILED: the limiter refused or threw; SERVICE_REPLY_LOST: no answer came in time, or its service was killed; SERVICE_UNREACHABLE: no service was there; LOAD_ENDED: the load was over.',
  ],
  ['false denials', 'Denials of requests that the limit had room for, where the promise names such.'],
  ['dishonest headers', 'Answers that state what cannot be true, like more tokens than the limit.'],
  ['p50, p99', 'Latency of admissions in the slowest region.'],
] as const;

const EARLIER = 'Rows that this command does not name were measured by earlier ones in the same folder.';

const AGAIN =
  'Certificate: with --certificate, the command of a cell writes the proofs of all buckets into the folder of its run, and openclaw-rl verify checks them with a second program. It has no proof of a window above its limit, which check finds again in the history. Another run in real time has another history, and so another SHA-256.';

function renderLegend({ cells }: Scoreboard): Markup {
  return element(
    'ul',
    { class: 'legend' },
    ...CELL_STATUSES.map((status) =>
      element(
        'li',
        {},
        statusBadge(status),
        element('b', { class: 'many' }, wholeText(cells.filter((cell) => cell.status === status).length)),
        element('span', {}, STATUSES[status].means),
      ),
    ),
  );
}

function factsOf({ program, machine, scenarios, limiters, cells }: Scoreboard): [string, string][] {
  const run = cells.filter(({ startedAt }) => startedAt !== '');
  const days = run.map(({ startedAt }) => startedAt.slice(0, 10)).sort();
  const [first = 'never', last = first] = [days[0], days.at(-1)];
  return [
    ['measured', first === last ? first : `${first} to ${last}`],
    ['program', program],
    ['machine', machine],
    ['servers', [...new Set(run.map(({ system }) => system))].join('; ')],
    ['seeds', [...new Set(run.map(({ seed }) => seed))].join(', ')],
    [
      'table',
      `${count(limiters.length, 'limiter')}, ${count(scenarios.length, 'scenario')}, ${count(run.length, 'run')}`,
    ],
  ];
}
