import { notRunCell } from './make-cell.ts';
import type { Scoreboard, ScoreboardCell, ScoreboardLimiter } from './scoreboard.ts';

export const NOT_MEASURED = 'not measured yet';

/** What one command measured: some limiters in some scenarios. */
export type Measured = Omit<Scoreboard, 'format' | 'version'>;

/**
 * A board of what a command measured and of what earlier ones did: rows of other limiters, and cells of the same limiters
 * with the same version, promise and code. Limiters of others come first, by their ids.
 */
export function mergeBoards(before: Scoreboard | undefined, now: Measured): Scoreboard {
  const others = (before?.limiters ?? []).filter(({ id }) =>
    now.limiters.every((limiter) => limiter.id !== id),
  );
  const limiters = [...others, ...now.limiters].toSorted(inOrder);
  return {
    format: 'openclaw-scoreboard',
    version: 1,
    ...now,
    limiters,
    cells: limiters.flatMap((limiter) =>
      now.scenarios.map(
        ({ id }) =>
          cellOf(now.cells, limiter.id, id) ??
          earlierCell(before, limiter, id) ??
          notRunCell(limiter.id, id, NOT_MEASURED),
      ),
    ),
  };
}

function inOrder(one: ScoreboardLimiter, other: ScoreboardLimiter): number {
  if (one.isOurs !== other.isOurs) return one.isOurs ? 1 : -1;
  return one.id < other.id ? -1 : 1;
}

function earlierCell(
  before: Scoreboard | undefined,
  { id, ...now }: ScoreboardLimiter,
  scenario: string,
): ScoreboardCell | undefined {
  const row = before?.limiters.find((limiter) => limiter.id === id);
  const isSame = row?.version === now.version && row.promise === now.promise && row.code === now.code;
  if (before === undefined || !isSame) return undefined;
  return cellOf(before.cells, id, scenario);
}

/** The cell of a limiter in a scenario, by their ids. */
export function cellOf(
  cells: readonly ScoreboardCell[],
  limiter: string,
  scenario: string,
): ScoreboardCell | undefined {
  return cells.find((cell) => cell.limiter === limiter && cell.scenario === scenario);
}
