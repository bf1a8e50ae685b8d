import type { PartFile } from '../history/parts/parts.ts';
import { OUTCOMES } from '../history/records/operation.ts';
import type { Document } from './check-report.ts';
import type { TextTable } from './text-table.ts';

/** A run has up to 1,000 parts. */
const MOST_PARTS = 40;

/** The books of each part of a run, and their sum; no rows for other runs. */
export function books({ parts, sent, outcomes }: Pick<Document, 'parts' | 'sent' | 'outcomes'>): TextTable {
  const head = ['part', 'file', 'sent', ...OUTCOMES, 'dropped'];
  if (parts === undefined) return { head, rows: [] };
  const { files, control, missing } = parts;
  const rest = files.length + missing.length - MOST_PARTS;
  const dropped = files.reduce((sum, file) => sum + file.dropped, 0);
  return {
    head,
    spare: ['dropped', 'failed', 'info'],
    rows: [
      ...[...missing.map(missingRow), ...files.map(partRow)].slice(0, MOST_PARTS),
      ...(control === undefined ? [] : [controlRow(control)]),
      ...(rest > 0 ? [[`... ${rest} more`, '--json has them', '', ...OUTCOMES.map(() => ''), '']] : []),
      [
        `all ${files.length}`,
        '',
        ...numbers([sent, ...OUTCOMES.map((outcome) => outcomes[outcome]), dropped]),
      ],
    ],
  };
}

function missingRow(part: string): string[] {
  return [part, 'missing', '', ...OUTCOMES.map(() => ''), ''];
}

/** It sends no load. */
function controlRow(control: PartFile): string[] {
  return [control.part, stateOf(control), '', ...OUTCOMES.map(() => ''), ''];
}

function stateOf({ file, sent }: PartFile): string {
  return sent === undefined ? `${file} (cut short)` : file;
}

/** A file without an end does not say how many were sent. */
function partRow(part: PartFile): string[] {
  const { sent, outcomes, dropped } = part;
  const counts = OUTCOMES.map((outcome) => outcomes[outcome]);
  return [
    part.part,
    stateOf(part),
    sent === undefined ? '?' : String(sent),
    ...numbers([...counts, dropped]),
  ];
}

function numbers(values: readonly number[]): string[] {
  return values.map(String);
}
