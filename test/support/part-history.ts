import { createHash } from 'node:crypto';
import { HistoryBuilder } from '../../src/history/columns/builder.ts';
import type { History } from '../../src/history/history.ts';
import type { LeftOut } from '../../src/history/parts/parts.ts';
import { encodeRecord } from '../../src/history/records/codec.ts';
import type { Header, HistoryRecord } from '../../src/history/records/operation.ts';
import type { Part } from '../../src/history/records/part.ts';
import { headerOf, type OperationPart, operationOf } from './history.ts';

export const DIGEST = '0'.repeat(64);

/** A part of a run of the parts a and b, on a machine of its own. */
export function partOf(name = 'a', changes: Partial<Part> = {}): Part {
  return { run: 'run', plan: 'f'.repeat(64), name, of: ['a', 'b'], machine: `machine-${name}`, ...changes };
}

/** The control part of that run, on the machine of part a. */
export function controlOf(changes: Partial<Part> = {}): Part {
  return partOf('control', { kind: 'control', machine: 'machine-a', ...changes });
}

/** A file of a part; ended, unless `isCut`. */
export interface PartRecords {
  readonly part?: Part;
  readonly operations?: readonly OperationPart[];
  readonly records?: readonly HistoryRecord[];
  readonly header?: Partial<Header>;
  readonly isCut?: boolean;
  /** What its end says was sent; default: the number of operations. */
  readonly sent?: number;
}

/** The records of one part's file. */
function recordsOf(
  { part = partOf(), operations = [], records = [], header, isCut = false, sent }: PartRecords,
  policy?: string,
): HistoryRecord[] {
  return [
    headerOf(policy, { regions: [...part.of], ...header, part }),
    ...operations.map((operation, index) => operationOf(index, { region: part.name, ...operation })),
    ...records,
    ...(isCut ? [] : [{ type: 'end' as const, atUs: 0, sent: sent ?? operations.length, digest: DIGEST }]),
  ];
}

/** The history of these parts. */
export function historyOfParts(
  parts: readonly PartRecords[],
  { policy, leftOut }: { readonly policy?: string; readonly leftOut?: readonly LeftOut[] } = {},
): History {
  const builder = new HistoryBuilder();
  for (const [at, part] of parts.entries()) {
    builder.startFile(`${at}.ndjson`);
    for (const record of recordsOf(part, policy)) builder.add(record);
    builder.endFile();
  }
  return builder.build(leftOut);
}

/** The file of a part, with its digest. */
export function partText(part: PartRecords, policy?: string): string {
  const text = recordsOf({ ...part, isCut: true }, policy)
    .map(encodeRecord)
    .join('');
  const digest = createHash('sha256').update(text).digest('hex');
  const sent = part.operations?.length ?? 0;
  return part.isCut === true ? text : text + encodeRecord({ type: 'end', atUs: 9_000, sent, digest });
}
