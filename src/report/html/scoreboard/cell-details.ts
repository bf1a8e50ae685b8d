import { bytesText } from '../../../core/units.ts';
import type {
  CellStatus,
  CellWitness,
  ScoreboardCell,
  ScoreboardScenario,
  WitnessOperation,
} from '../../scoreboard/scoreboard.ts';
import { element, type Markup } from '../markup.ts';
import { cellSentence, figureRows, wholeText } from './figures.ts';
import { cellId } from './fragment.ts';
import { statusBadge } from './statuses.ts';

/** One pair that the details of a cell are about. */
export interface CellContext {
  readonly cell: ScoreboardCell;
  readonly scenario: ScoreboardScenario;
  readonly limiter: { readonly name: string; readonly isOurs: boolean };
}

/** All that is known of a cell, closed at first. */
export function renderCellDetails({ cell, scenario, limiter }: CellContext): Markup {
  const { figures, witness, command } = cell;
  return element(
    'details',
    {},
    element(
      'summary',
      {},
      element('span', { class: 'of' }, `${limiter.name}: `),
      `${scenario.title} `,
      statusBadge(cell.status),
    ),
    element(
      'div',
      { class: 'body', id: cellId(cell.limiter, cell.scenario) },
      element('p', { class: 'says' }, cellSentence(cell, limiter.isOurs)),
      figures === null ? undefined : renderList(figureRows(figures)),
      witness === null ? undefined : renderWitness(witness, cell.status),
      command === '' ? undefined : renderRun(cell),
    ),
  );
}

/** Names and values. */
export function renderList(rows: readonly (readonly [name: string, value: string | Markup])[]): Markup {
  return element(
    'dl',
    { class: 'list' },
    ...rows.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
  );
}

const COLUMNS = ['operation', 'region', 'outcome', 'sent at s', 'over at s'];

function renderWitness({ text, bucket, operations, more }: CellWitness, status: CellStatus): Markup {
  const rows = operations.map(operationRow);
  const gap = element(
    'tr',
    {},
    element('td', { colspan: COLUMNS.length }, `${wholeText(more)} more operations`),
  );
  return element(
    'div',
    { class: `witness ${status}` },
    element('h3', {}, 'Proof'),
    element('p', { class: 'formula' }, text),
    operations.length === 0
      ? undefined
      : element(
          'div',
          { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Operations of the proof' },
          element(
            'table',
            {},
            element('caption', {}, `Bucket ${bucket}; seconds since the start of the run.`),
            element(
              'thead',
              {},
              element('tr', {}, ...COLUMNS.map((name) => element('th', { scope: 'col' }, name))),
            ),
            element('tbody', {}, ...(more === 0 ? rows : [...rows.slice(0, -1), gap, ...rows.slice(-1)])),
          ),
        ),
  );
}

function operationRow({ operation, region, outcome, fromS, toS }: WitnessOperation): Markup {
  const over = toS === null ? 'no reply' : toS.toFixed(3);
  return element(
    'tr',
    {},
    ...[String(operation), region, outcome, fromS.toFixed(3), over].map((value) => element('td', {}, value)),
  );
}

/** How the run is made again, and what it was. */
function renderRun({ command, seed, startedAt, system, history }: ScoreboardCell): Markup {
  return element(
    'div',
    { class: 'run' },
    element('h3', {}, 'The run again'),
    element('pre', { class: 'again' }, element('code', {}, command)),
    renderList([
      ['seed', String(seed)],
      ['started', startedAt],
      ['system', system],
      ...(history === null
        ? []
        : [
            ['history', `${wholeText(history.operations)} operations, ${bytesText(history.bytes)}`] as const,
            ['SHA-256 of the history', element('code', {}, history.sha256)] as const,
          ]),
    ]),
  );
}
