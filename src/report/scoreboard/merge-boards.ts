import { isPromised } from './is-promised.ts';
import { notRunCell } from './make-cell.ts';
import type { Scoreboard, ScoreboardCell, ScoreboardLimiter, ScoreboardScenario } from './scoreboard.ts';

export const NOT_MEASURED = 'not measured yet';

/** What one command measured: some limiters in some scenarios. */
export type Measured = Omit<Scoreboard, 'format' | 'version'>;

/**
 * A board of what a command measured and of what earlier ones did: rows of other limiters, and cells of the same limiters
 * that `earlierCell` finds. Limiters of others come first, by their ids.
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
        (scenario) =>
          cellOf(now.cells, limiter.id, scenario.id) ??
          earlierCell(before, limiter, scenario) ??
          notRunCell(limiter.id, scenario.id, NOT_MEASURED),
      ),
    ),
  };
}

function inOrder(one: ScoreboardLimiter, other: ScoreboardLimiter): number {
  if (one.isOurs !== other.isOurs) return one.isOurs ? 1 : -1;
  return one.id < other.id ? -1 : 1;
}

/**
 * The cell of an earlier board, if its limiter and its scenario are still the same; judged by what the limiter covers now.
 * Undefined if there is none.
 */
export function earlierCell(
  before: Scoreboard | undefined,
  limiter: ScoreboardLimiter,
  { id, code }: Pick<ScoreboardScenario, 'id' | 'code'>,
): ScoreboardCell | undefined {
  const row = before?.limiters.find((one) => one.id === limiter.id);
  if (before === undefined || row === undefined || !isSame(row, limiter)) return undefined;
  const { code: earlier = code } = before.scenarios.find((one) => one.id === id) ?? {};
  const cell = earlier === code ? cellOf(before.cells, limiter.id, id) : undefined;
  const isProved = cell?.status === 'broken' || cell?.status === 'exceeded';
  if (!isProved || limiter.isOurs) return cell;
  return { ...cell, status: isPromised(limiter, id) ? 'broken' : 'exceeded' };
}

/** Whether a cell of one is a cell of the other: the same program, promise and kind of servers. */
function isSame(one: ScoreboardLimiter, other: ScoreboardLimiter): boolean {
  return (['version', 'promise', 'code', 'topology'] as const).every((key) => one[key] === other[key]);
}

/** The cell of a limiter in a scenario, by their ids. */
export function cellOf(
  cells: readonly ScoreboardCell[],
  limiter: string,
  scenario: string,
): ScoreboardCell | undefined {
  return cells.find((cell) => cell.limiter === limiter && cell.scenario === scenario);
}
