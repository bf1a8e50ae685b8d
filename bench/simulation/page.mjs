// The tables, and the sections of docs/results/simulation.md.
import { readFileSync, writeFileSync } from 'node:fs';

/** Rows of `compareScenario` as a table: head and cells. */
export function comparisonTable(rows) {
  return {
    head: ['scenario', 'quantity', 'real', 'simulated', 'tolerance', 'within'],
    rows: rows.map(({ scenario, quantity, real, simulated, tolerance, isWithin, why }) => [
      ...[scenario, quantity, real, simulated, tolerance],
      isWithin ? 'yes' : `NO: ${why}`,
    ]),
  };
}

/** Rows of `compareMatrix` as a table. */
export function matrixTable(rows) {
  return {
    head: [
      'scenario',
      'strategy',
      'status',
      'excess, real',
      'excess, simulated',
      'bound, simulated',
      'decided, real',
      'decided, simulated',
      'as in reality',
    ],
    rows: rows.map(({ scenario, strategy, real, simulated, why }) => [
      ...[scenario, strategy, simulated?.status ?? ''],
      ...[
        excessText(real),
        excessText(simulated),
        boundText(simulated),
        decidedText(real),
        decidedText(simulated),
      ],
      why === '' ? 'yes' : `NO: ${why}`,
    ]),
  };
}

/** What `measureProcessor` found, as a table. */
export function processorTable(rows) {
  const roles = Object.keys(rows[0]?.us ?? {});
  return {
    head: ['scenario', 'requests a second', ...roles, 'all', 'other programs'],
    rows: rows.map(({ scenario, perSecond, us, total, others }) => [
      ...[scenario, perSecond.toFixed(0), ...roles.map((role) => us[role].toFixed(0))],
      ...[total.toFixed(0), `${(100 * others).toFixed(0)} %`],
    ]),
  };
}

/** What `measureSmall` found, as a table. */
export function smallTable(rows) {
  return {
    head: ['strategy', 'requests', 'median', 'least', 'first'],
    rows: rows.map(({ strategy, requests, medianMs, leastMs, firstMs }) => [
      ...[strategy, String(requests)],
      ...[medianMs, leastMs, firstMs].map((ms) => ms.toFixed(0)),
    ]),
  };
}

function excessText(cell) {
  return cell?.figures ? cell.figures.excess.measured.toFixed(1) : '';
}

function boundText(cell) {
  if (!cell?.figures) return '';
  return cell.figures.excess.declared === null ? 'nothing' : cell.figures.excess.declared.toFixed(1);
}

function decidedText(cell) {
  const sides = cell?.figures?.availability ?? [];
  return sides.map(({ share }) => (share === null ? 'none' : `${(100 * share).toFixed(0)} %`)).join('; ');
}

/** Replaces the text below the heading `title`, up to the next of its level; the rest of the page stays. */
export function writeSection(file, title, lines) {
  const page = readFileSync(file, 'utf8');
  const start = page.indexOf(`\n## ${title}\n`);
  if (start === -1) throw new Error(`${file} has no heading "${title}"`);
  const next = page.indexOf('\n## ', start + 1);
  const after = next === -1 ? '' : page.slice(next);
  writeFileSync(file, `${page.slice(0, start)}\n## ${title}\n\n${lines.join('\n')}\n${after}`);
}
