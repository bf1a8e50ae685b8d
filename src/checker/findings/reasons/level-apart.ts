import type { OperationTable } from '../../../history/columns/table.ts';
import { countWrong } from './level-rules.ts';
import type { Steps } from './level-steps.ts';
import type { Trial } from './trial.ts';

/** The largest share of decisions that do not fit, each by an operation without a level. */
const MOST_WRONG = 0.1;
/** Fewer changes between nodes in the time of a bucket may be failovers. */
const LEAST_CHANGES = 10;

/**
 * Each region has a node of its own, and the levels of each node are those of a whole bucket that no other region takes
 * from, while the nodes decide by turns.
 */
export function apartLevels(trial: Trial, { all, unseen }: Steps): string | undefined {
  const { table, drops } = trial;
  if (drops === 0 || !trial.hasBursts || countWrong(all) > Math.min(unseen, MOST_WRONG * all.length))
    return undefined;
  const nodes = new Map<string, Set<number>>();
  for (const { row } of all) {
    const region = table.regionOf(row);
    nodes.set(region, (nodes.get(region) ?? new Set()).add(table.levels?.node(row) ?? 0));
  }
  const own = new Set([...nodes.values()].flatMap((some) => [...some]));
  if (nodes.size < 2 || own.size !== nodes.size || [...nodes.values()].some(({ size }) => size > 1))
    return undefined;
  if (
    countChanges(
      table,
      all.map(({ row }) => row),
    ) < LEAST_CHANGES
  )
    return undefined;
  return `each region keeps the limit, but together they exceed it: the levels of each of ${nodes.size} regions are those of a bucket of its own`;
}

function countChanges({ levels, invokedUs }: OperationTable, rows: readonly number[]): number {
  const ordered = rows.toSorted((a, b) => (invokedUs[a] as number) - (invokedUs[b] as number));
  return ordered.filter((row, at) => at > 0 && levels?.node(row) !== levels?.node(ordered[at - 1] as number))
    .length;
}
