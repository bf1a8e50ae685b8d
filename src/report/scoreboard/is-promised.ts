import type { ScoreboardLimiter } from './scoreboard.ts';

/**
 * Whether the documentation of a limiter promises its limit in the scenario of this id. `healthy` has a service in each
 * region: a limiter without a store that they share promises nothing there.
 */
export function isPromised(
  { covers, topology }: Pick<ScoreboardLimiter, 'covers' | 'topology'>,
  scenario: string,
): boolean {
  return covers.includes(scenario) || (scenario === 'healthy' && topology !== 'none');
}
