// Compares a simulated matrix with the kept one of real runs. Pure.
import { EXCESS_TOKENS } from './tolerances.mjs';

/**
 * A row for each cell: `{ scenario, strategy, real, simulated, why }`, with the cells of both; `why` is empty where the
 * simulation ends with the same status, and has an excess where the real run has one.
 */
export function compareMatrix(real, simulated) {
  return real.map((cell) => {
    const { scenario, strategy } = cell;
    const other = simulated.find((one) => one.scenario === scenario && one.strategy === strategy);
    return { scenario, strategy, real: cell, simulated: other, why: differenceOf(cell, other) };
  });
}

function differenceOf(real, simulated) {
  if (simulated === undefined) return 'not simulated';
  if (simulated.status !== real.status) return `${simulated.status}, not ${real.status}`;
  if (real.figures === null || real.figures.excess.measured < EXCESS_TOKENS) return '';
  return simulated.figures.excess.measured < EXCESS_TOKENS ? 'the excess was not found' : '';
}
