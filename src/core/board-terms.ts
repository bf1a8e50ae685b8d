/** The scenarios of the scoreboard, in its order: files of scenarios/scoreboard. */
export const BOARD_SCENARIOS = [
  'healthy',
  'three-instances',
  'hot-user',
  'partition',
  'failover',
  'store-outage',
  'restart',
  'clock-step',
] as const;

export type BoardScenario = (typeof BOARD_SCENARIOS)[number];

export function isBoardScenario(name: string): name is BoardScenario {
  return BOARD_SCENARIOS.some((scenario) => scenario === name);
}

/** What the client of a limiter can use; `none`: it needs no Redis. */
export const BOARD_TOPOLOGIES = ['cluster', 'single', 'none'] as const;

export type BoardTopology = (typeof BOARD_TOPOLOGIES)[number];
