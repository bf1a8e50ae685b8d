import Table from 'cli-table3';
import stringWidth from 'string-width';
import { labelled } from './fit-lines.ts';

/** A table of text, before it is drawn for a terminal or as Markdown. */
export interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Names of the columns to leave out in a narrow terminal, in that order. */
  readonly spare?: readonly string[];
}

/** Between two cells, and outside the first and the last: `│ ` and ` `. */
const BORDER = 3;
const NARROWEST = 6;

/**
 * A table with borders, at most `columns` wide: it leaves out spare columns, first those of zeros, and names them below
 * itself; then it wraps the widest cells. Without `columns` it is as wide as its content.
 */
export function drawTable(table: TextTable, columns = Number.POSITIVE_INFINITY): string {
  const { kept, left } = leaveOut(table, columns);
  const widths = shrunk(
    kept.map((at) => widthOfColumn(table, at)),
    columns - 1 - BORDER * kept.length,
  );
  const cells = (row: readonly string[]) => kept.map((at, i) => labelled('', row[at] ?? '', widths[i]));
  const head = table.head.length === 0 ? [] : cells(table.head);
  const drawn = new Table({ head, style: { head: [], border: [], compact: true } });
  for (const row of table.rows) drawn.push(cells(row));
  return [drawn.toString(), ...left].join('\n');
}

/** The places of the columns that are drawn, and lines that name the others. */
function leaveOut(table: TextTable, columns: number): { kept: number[]; left: string[] } {
  const { head, rows, spare = [] } = table;
  const isZero = (name: string) => rows.every((row) => ['0', ''].includes(row[head.indexOf(name)] ?? ''));
  const present = spare.filter((name) => head.includes(name));
  const candidates = [...present.filter(isZero), ...present.filter((name) => !isZero(name))];
  const gone = new Set<string>();
  const places = (head.length > 0 ? head : (rows[0] ?? [])).map((_, at) => at);
  const kept = () => places.filter((at) => !gone.has(head[at] ?? ''));
  const width = () => kept().reduce((sum, at) => sum + widthOfColumn(table, at) + BORDER, 1);
  for (const name of candidates) if (width() > columns) gone.add(name);
  const named = (isWanted: (name: string) => boolean) =>
    head.filter((name) => gone.has(name) && isWanted(name));
  const zero = named(isZero);
  const others = named((name) => !isZero(name));
  const left = [
    ...(zero.length === 0 ? [] : [`0 or empty: ${zero.join(', ')}`]),
    ...(others.length === 0 ? [] : [`not shown: ${others.join(', ')} (--json, or a wider terminal)`]),
  ];
  return { kept: kept(), left: left.map((line) => labelled('  ', line, columns)) };
}

function widthOfColumn({ head, rows }: TextTable, at: number): number {
  return [head, ...rows].reduce((widest, row) => Math.max(widest, stringWidth(row[at] ?? '')), 1);
}

/** Reduces widths to at most `available` in total: the widest are cut to one width. */
function shrunk(widths: readonly number[], available: number): number[] {
  const sum = (limit: number) => widths.reduce((total, width) => total + Math.min(width, limit), 0);
  let limit = Math.max(...widths, 0);
  while (limit > NARROWEST && sum(limit) > available) limit--;
  return widths.map((width) => Math.min(width, limit));
}
