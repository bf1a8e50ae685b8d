import pc from 'picocolors';
import { annotation } from './annotations.ts';
import type { Baselines } from './baselines.ts';
import { type Comparison, comparisonTable, nameOfRun } from './comparison.ts';
import { type Look, labelled } from './fit-lines.ts';
import { escaped, renderMarkdownTable } from './markdown.ts';
import { printable } from './text.ts';
import { drawTable } from './text-table.ts';
import { mark } from './verdict-text.ts';

const NONE: Baselines = { runs: [], leftOut: [], claims: [] };

/** The claims on the last run, then the table of all. */
export function renderComparison(comparison: Comparison, { colour, columns }: Look): string {
  const colours = pc.createColors(colour);
  const { claims, notes } = judgedOf(comparison);
  const line = (label: string, text: string) => labelled(`  ${label} `, text, columns);
  return [
    ...claims.map(({ status, reason }) => line(mark(status, colours), reason)),
    ...notes.map((note) => line(colours.bold('note'), note)),
    ...(claims.length > 0 ? [''] : []),
    drawTable(comparisonTable(comparison), columns),
    '',
  ].join('\n');
}

/** The same for a step summary. */
export function renderComparisonMarkdown(comparison: Comparison): string {
  const { claims, notes } = judgedOf(comparison);
  const { head, rows } = comparisonTable(comparison);
  return [
    '# openclaw-rl compare',
    '',
    ...claims.map(({ status, reason }) => `- **${status}** ${escaped(reason)}`),
    ...notes.map((note) => `- **note** ${escaped(note)}`),
    '',
    ...renderMarkdownTable(head, rows),
    '',
  ].join('\n');
}

/** Annotations for GitHub Actions: an error for each broken claim, a warning for each unknown one. */
export function comparisonAnnotations(comparison: Comparison): string {
  const { claims, notes } = judgedOf(comparison);
  const title = 'openclaw-rl compare';
  const lines = [
    ...claims.flatMap(({ claim, status, reason }) =>
      status === 'holds'
        ? []
        : [annotation(status === 'broken' ? 'error' : 'warning', `${title}: ${claim}`, reason)],
    ),
    ...notes.map((note) => annotation('notice', title, note)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function judgedOf({ baselines = NONE }: Comparison) {
  const { claims, leftOut } = printable(baselines);
  const notes = leftOut.map(({ folder, why }) => `${nameOfRun({ folder })} is no baseline: ${why}`);
  return { claims, notes };
}
