import { simulatedText } from './check-report.ts';
import { escaped, renderMarkdownTable } from './markdown.ts';
import type { Excess, Matrix, MatrixCell, Side } from './matrix.ts';
import { msText, printable, ratioText, tokensText } from './text.ts';
import type { TextTable } from './text-table.ts';

/** A row for each cell, grouped by scenario. */
export function matrixTable(untrusted: Matrix): TextTable {
  return {
    head: [
      'scenario',
      'strategy',
      'excess of one bucket',
      'declared',
      'status',
      'false denials',
      'decided during the fault',
      'p50 ms',
      'p99 ms',
      'Redis calls per decision',
    ],
    spare: ['Redis calls per decision', 'p99 ms', 'false denials', 'p50 ms'],
    rows: printable(untrusted).cells.map((cell) => [cell.scenario, cell.strategy, ...figureCells(cell)]),
  };
}

/** The reasons for cells without figures or without proof. */
export function matrixNotes(untrusted: Matrix): string[] {
  return printable(untrusted).cells.flatMap(({ scenario, strategy, status, reason }) =>
    reason === '' ? [] : [`${scenario} by ${strategy}: ${status}: ${reason}`],
  );
}

function figureCells(cell: MatrixCell): string[] {
  const { figures } = cell;
  const status = `${cell.status}${simulatedText(cell)}`;
  if (figures === null) return ['', '', status, '', '', '', '', ''];
  const { excess, falseDenials, availability, p50Us, p99Us, redisCallsPerDecision: calls } = figures;
  return [
    measuredText(excess),
    excess.declared === null ? 'nothing' : tokensText(excess.declared),
    status,
    `${falseDenials.total} of ${falseDenials.judged}`,
    availability.map(sideText).join('; '),
    p50Us === null ? '' : msText(p50Us),
    p99Us === null ? '' : msText(p99Us),
    calls === null ? '' : ratioText(calls),
  ];
}

function measuredText({ of, measured }: Excess): string {
  return `${tokensText(measured)}${of === 'window' ? ' in one window' : ''}`;
}

function sideText({ regions, share }: Side, _at: number, { length }: { readonly length: number }): string {
  const percent = share === null ? 'no requests' : `${(100 * share).toFixed(0)}%`;
  return length === 1 ? percent : `${regions.join(', ')} ${percent}`;
}

/** A row for each strategy over all its scenarios. */
export function matrixSummary(untrusted: Matrix): TextTable {
  const { cells } = printable(untrusted);
  const strategies = [...new Set(cells.map(({ strategy }) => strategy))];
  return {
    head: [
      'strategy',
      'scenarios',
      'held its bound',
      'largest excess of one bucket',
      'least decided on a side',
      'p50 ms, median',
      'Redis calls per decision, median',
    ],
    spare: ['Redis calls per decision, median', 'p50 ms, median', 'scenarios'],
    rows: strategies.map((strategy) =>
      summaryRow(
        strategy,
        cells.filter((cell) => cell.strategy === strategy),
      ),
    ),
  };
}

function summaryRow(strategy: string, cells: readonly MatrixCell[]): string[] {
  const measured = cells.flatMap(({ scenario, figures }) =>
    figures === null ? [] : [{ scenario, figures }],
  );
  const worst = measured.toSorted((a, b) => b.figures.excess.measured - a.figures.excess.measured)[0];
  const sides = measured
    .flatMap(({ scenario, figures }) => figures.availability.map((side) => ({ scenario, ...side })))
    .filter((side): side is typeof side & { share: number } => side.share !== null);
  const least = sides.toSorted((a, b) => a.share - b.share)[0];
  const p50s = measured.flatMap(({ figures: { p50Us } }) => (p50Us === null ? [] : [p50Us]));
  const calls = measured.flatMap(({ figures: { redisCallsPerDecision: one } }) =>
    one === null ? [] : [one],
  );
  return [
    strategy,
    String(measured.length),
    `${heldText(cells)}${simulatedText(cells.find(({ simulated }) => simulated) ?? {})}`,
    worst === undefined ? '' : `${measuredText(worst.figures.excess)} (${worst.scenario})`,
    least === undefined
      ? ''
      : `${(100 * least.share).toFixed(0)}% (${least.regions.join(', ')}; ${least.scenario})`,
    p50s.length === 0 ? '' : msText(medianOf(p50s)),
    calls.length === 0 ? '' : ratioText(medianOf(calls)),
  ];
}

/** The number of cells by status: `12 within, 2 unknown`. */
function heldText(cells: readonly MatrixCell[]): string {
  const counts = HELD.map(
    (status) => [cells.filter((cell) => cell.status === status).length, status] as const,
  );
  return counts.flatMap(([count, status]) => (count === 0 ? [] : [`${count} ${status}`])).join(', ');
}

const HELD: readonly MatrixCell['status'][] = ['within', 'above', 'undeclared', 'unknown', 'refused'];

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [lower, upper] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]] as [number, number];
  return (lower + upper) / 2;
}

/** The matrix as Markdown, with the command that made it. */
export function renderMatrixMarkdown(untrusted: Matrix): string {
  const matrix = printable(untrusted);
  const summary = matrixSummary(matrix);
  const table = matrixTable(matrix);
  const systems = [...new Set(matrix.cells.map(({ system }) => system).filter((system) => system !== ''))];
  const dates = matrix.cells.map(({ startedAt }) => startedAt.slice(0, 10)).filter((date) => date !== '');
  const [first = '', last = ''] = [dates.toSorted()[0], dates.toSorted().at(-1)];
  return [
    '# Strategies and scenarios',
    '',
    `${escaped(matrix.program)}; ${escaped(systems.join('; '))}; seed ${matrix.seeds.join(', ')}; ${first === last ? first : `${first} to ${last}`}. Again: \`${matrix.command.replaceAll('`', "'")}\`.`,
    '',
    'Each row is one run of the scenario with that strategy. The excess is of the bucket that went furthest beyond the',
    'bound of its shard. If no bucket did, it is the largest excess without a declared bound, else the largest excess. A side',
    'of a partition is a set of regions that still reach each other. The decided share is the share of its requests that were',
    'allowed or denied during the fault. Latency is measured for admissions in the slowest region, from the user through the',
    'gateway and back. A run is a sample: `within` means that the run showed nothing beyond the bound.',
    '',
    '## By strategy',
    '',
    'The number of scenarios by status: `within` the bound held, `above` it did not, `undeclared` the strategy declares no',
    'bound for these faults, `unknown` there was too little evidence, `refused` the strategy cannot run that scenario (it is',
    'not counted under *scenarios*).',
    '',
    ...renderMarkdownTable(summary.head, summary.rows),
    '',
    '## By scenario',
    '',
    ...renderMarkdownTable(table.head, table.rows),
    '',
    ...matrixNotes(matrix).flatMap((note) => [`- ${escaped(note)}`]),
    '',
  ].join('\n');
}
