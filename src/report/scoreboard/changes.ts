import type { TextTable } from '../text-table.ts';
import { cellOf } from './merge-boards.ts';
import type { CellStatus, Scoreboard, ScoreboardCell } from './scoreboard.ts';

/** A cell of two boards. */
export interface CellChange {
  readonly limiter: string;
  readonly scenario: string;
  readonly before: CellStatus;
  readonly after: CellStatus;
  /** Of the limiter, if it changed. */
  readonly versions?: readonly [before: string, after: string];
}

export interface BoardChanges {
  /** Cells that have a verdict in both boards. */
  readonly compared: number;
  /** Those whose status is another one. */
  readonly changed: readonly CellChange[];
  /** Those with a verdict in one board only. */
  readonly onlyOne: readonly CellChange[];
}

/** Whether the run of a cell has proved something, or found nothing to prove. */
export function isJudged({ status }: Pick<ScoreboardCell, 'status'>): boolean {
  return status === 'kept' || status === 'broken' || status === 'exceeded';
}

/** What differs between two boards. A cell that one of them lacks was not run there. */
export function changesBetween(before: Scoreboard, after: Scoreboard): BoardChanges {
  const statusIn = ({ cells }: Scoreboard, { limiter, scenario }: ScoreboardCell) =>
    cellOf(cells, limiter, scenario)?.status ?? 'not-run';
  const gone = before.cells.filter(({ limiter, scenario }) => !cellOf(after.cells, limiter, scenario));
  const all = [...after.cells, ...gone].map(
    (cell): CellChange => ({
      ...{ limiter: cell.limiter, scenario: cell.scenario },
      ...{ before: statusIn(before, cell), after: statusIn(after, cell) },
      ...versionsOf(cell.limiter, before, after),
    }),
  );
  const isIn = (status: CellStatus) => isJudged({ status });
  const both = all.filter((one) => isIn(one.before) && isIn(one.after));
  return {
    compared: both.length,
    changed: both.filter((one) => one.before !== one.after),
    onlyOne: all.filter((one) => isIn(one.before) !== isIn(one.after)),
  };
}

function versionsOf(id: string, before: Scoreboard, after: Scoreboard): Pick<CellChange, 'versions'> {
  const [one = 'none', other = 'none'] = [before, after].map(
    ({ limiters }) => limiters.find((limiter) => limiter.id === id)?.version,
  );
  return one === other ? {} : { versions: [one, other] };
}

/** A sentence like `2 of 160 cells changed their status`. */
export function changesSentence({ compared, changed, onlyOne }: BoardChanges): string {
  const more = onlyOne.length === 0 ? '' : `; ${onlyOne.length} more have a verdict in one board only`;
  return `${changed.length} of ${compared} cells changed their status${more}`;
}

export function changesTable(changes: readonly CellChange[]): TextTable {
  return {
    head: ['limiter', 'scenario', 'before', 'after', 'version'],
    rows: changes.map(({ limiter, scenario, before, after, versions }) => [
      ...[limiter, scenario, before, after],
      versions === undefined ? 'the same' : versions.join(' -> '),
    ]),
  };
}
