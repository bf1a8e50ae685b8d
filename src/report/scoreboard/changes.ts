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

/** What differs between two boards, in the cells that both have. */
export function changesBetween(before: Scoreboard, after: Scoreboard): BoardChanges {
  const pairs = after.cells.flatMap((cell) => {
    const other = cellOf(before.cells, cell.limiter, cell.scenario);
    return other === undefined ? [] : [{ other, cell }];
  });
  const both = pairs.filter(({ other, cell }) => isJudged(other) && isJudged(cell));
  const change = ({ other, cell }: (typeof pairs)[number]): CellChange => ({
    ...{ limiter: cell.limiter, scenario: cell.scenario, before: other.status, after: cell.status },
    ...versionsOf(cell.limiter, before, after),
  });
  return {
    compared: both.length,
    changed: both.filter(({ other, cell }) => other.status !== cell.status).map(change),
    onlyOne: pairs.filter(({ other, cell }) => isJudged(other) !== isJudged(cell)).map(change),
  };
}

function versionsOf(id: string, before: Scoreboard, after: Scoreboard): Pick<CellChange, 'versions'> {
  const [one = '', other = ''] = [before, after].map(
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
