import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compareScenario } from '../../bench/simulation/compare.mjs';
import { readRuns } from '../../bench/simulation/kept.mjs';
import { simulate } from '../../bench/simulation/runs.mjs';

const KEPT = join(import.meta.dirname, '../../docs/results/simulation-real.json');

const CASES = [
  {
    scenario: 'kill-primary',
    quantities: [],
  },
  { scenario: 'sentinel-partition', quantities: [] },
  { scenario: 'node-clock', quantities: [] },
];

/** Three real seeds of each are kept. One simulated seed has to lie in their range, by the tolerances of the comparison. */
it.concurrent.each(CASES)(
  'a simulated $scenario is like the real ones',
  { timeout: 180_000 },
  async ({ scenario, quantities }) => {
    const real = readRuns(KEPT).filter((run) => run.scenario === scenario);
    expect(real.map(({ seed }) => seed)).toEqual([1, 2, 3]);
    const [first] = real;
    const simulated = await simulate({ scenario, seed: 1 }, first);
    const rows = compareScenario(scenario, real, [simulated]);
    expect(rows.filter(({ isWithin }) => !isWithin)).toEqual([]);
    expect(rows.map(({ quantity }) => quantity)).toEqual(quantities);
  },
);
