import { escaped, renderMarkdownTable } from './markdown.ts';
import type { Excess, Matrix, MatrixCell, Side } from './matrix.ts';
import type { TextTable } from './rows.ts';
import { msText, printable, ratioText, tokensText } from './text.ts';

/** Every cell in a row of its own, the strategies of a scenario below each other. */
export function matrixTable(untrusted: Matrix): TextTable {
  return {
    head: [
      'scenario',
      'strategy',
      'excess of one bucket',
      'declared',
      'held',
      'false denials',
      'decided while it lasts',
      'p50 ms',
      'p99 ms',
      'Redis calls a decision',
    ],
    rows: printable(untrusted).cells.map((cell) => [cell.scenario, cell.strategy, ...figuresOf(cell)]),
  };
}

/** Why some cells have no figures, or prove nothing. */
export function matrixNotes(untrusted: Matrix): string[] {
  return printable(untrusted).cells.flatMap(({ scenario, strategy, status, reason }) =>
    reason === '' ? [] : [`${scenario} by ${strategy}: ${status}: ${reason}`],
  );
}

function figuresOf({ figures, status }: MatrixCell): string[] {
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
  const percent = share === null ? 'nothing asked' : `${(100 * share).toFixed(0)}%`;
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
      'Redis calls a decision, median',
    ],
    rows: strategies.map((strategy) =>
      summaryOf(
        strategy,
        cells.filter((cell) => cell.strategy === strategy),
      ),
    ),
  };
}

function summaryOf(strategy: string, cells: readonly MatrixCell[]): string[] {
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
    heldText(cells),
    worst === undefined ? '' : `${measuredText(worst.figures.excess)} (${worst.scenario})`,
    least === undefined
      ? ''
      : `${(100 * least.share).toFixed(0)}% (${least.regions.join(', ')}; ${least.scenario})`,
    p50s.length === 0 ? '' : msText(medianOf(p50s)),
    calls.length === 0 ? '' : ratioText(medianOf(calls)),
  ];
}

/** How often each was: `12 within, 2 unknown`. */
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

/** The matrix as a document that says how it was made. */
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
    'Each row is one run of the scenario with that strategy, everything else as the scenario has it. The excess is that of',
    'the bucket which went furthest beyond what its strategy declares for what happened to its shard; where none did, the',
    'largest where nothing is declared, else the largest. A side of a partition is the regions that still reach each other;',
    'what was decided there, allowed or denied, is a share of what was asked while the fault lasted. Latency is that of',
    'admissions in the region where it was longest, from the user through the gateway and back. A run is a sample: `within`',
    'says that nothing beyond the bound was seen.',
    '',
    '## By strategy',
    '',
    'In how many scenarios it held its bound: `above` it did not, `undeclared` it declares none for what happened,',
    '`unknown` there was too little evidence, `refused` it cannot be in that scenario.',
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
