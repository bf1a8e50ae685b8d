import type { Document } from './check-report.ts';
import type { TextTable } from './text-table.ts';

/** A run has up to 1,000 parts. */
const MOST_MACHINES = 40;

/** How well the clock of each machine of a run in parts is known, and from what; no rows for other runs. */
export function machineClocks({ machines = [] }: Pick<Document, 'machines'>): TextTable {
  const rest = machines.length - MOST_MACHINES;
  const rows = machines.slice(0, MOST_MACHINES).map(({ machine, parts, errorUs, readings }) => {
    const { base, nodes, decisions, dropped } = readings;
    const known = `${Number((errorUs / 1_000).toPrecision(2))}`;
    return [machine, parts.join(', '), known, ...[base, nodes, decisions, dropped].map(String)];
  });
  return {
    head: ['clock of', 'parts', 'known to ms', 'pings', 'node readings', 'decisions', 'left out'],
    spare: ['left out', 'decisions', 'node readings', 'pings'],
    rows: [...rows, ...(rest > 0 ? [[`... ${rest} more`, '--json has them', '', '', '', '', '']] : [])],
  };
}
