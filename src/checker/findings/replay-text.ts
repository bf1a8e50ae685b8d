import type { Policy } from '../../core/policy.ts';
import { rounded } from '../../core/units.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { ReplayFinding } from '../proofs/replay.ts';

/** By how much the level in a reply differs from the level that the decision before it leaves. */
export function replayInequality(
  table: OperationTable,
  { capacityTokens, quantaPerToken }: Policy,
  { row, before, expectedQuanta, gapQuanta, reason }: ReplayFinding,
): string {
  const tokens = (quanta: number) => rounded(quanta / quantaPerToken, 6);
  const level = tokens(table.levels?.of(row) ?? Number.NaN);
  if (reason === 'denied-with-enough')
    return `denied at cost ${table.costTokens[row]}, but the bucket held ${level}`;
  if (reason === 'out-of-range') return `the level ${level} is not between 0 and capacity ${capacityTokens}`;
  const node = (one: number) => table.levels?.nodeName(one);
  const word = gapQuanta > 0 ? 'minted' : 'lost';
  const where =
    before === undefined
      ? `first decision, on ${node(row)}`
      : node(before) === node(row)
        ? `on ${node(row)}`
        : `between ${node(before)} and ${node(row)}`;
  return `${tokens(Math.abs(gapQuanta))} tokens ${word} ${where}: expected level ${tokens(expectedQuanta)}, level in the reply ${level}`;
}
