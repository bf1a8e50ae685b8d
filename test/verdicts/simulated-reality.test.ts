import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareScenario } from '../../bench/simulation/compare.mjs';
import { readRuns } from '../../bench/simulation/kept.mjs';
import { simulate } from '../../bench/simulation/runs.mjs';

const KEPT = join(import.meta.dirname, '../../docs/results/simulation-real.json');

describe.concurrent('by the tolerances of the comparison with real runs', { timeout: 180_000 }, () => {
  it.each([
    { scenario: 'kill-primary', takeover: 'eu-west-1 replica to primary' },
    { scenario: 'sentinel-partition', takeover: 'eu-west-0 replica to primary' },
    { scenario: 'node-clock', takeover: undefined },
  ])('a simulated $scenario is like three real ones', async ({ scenario, takeover }) => {
    const real = readRuns(KEPT).filter((run) => run.scenario === scenario);
    expect(real.map(({ seed }) => seed)).toEqual([1, 2, 3]);
    const simulated = await simulate({ scenario, seed: 1 }, real[0]);
    const rows = compareScenario(scenario, real, [simulated]);
    expect(rows.filter(({ isWithin }) => !isWithin)).toEqual([]);
    const quantities = rows.map(({ quantity }) => quantity);
    expect(quantities.slice(0, 3)).toEqual(['verdict', 'bound', 'excess, tokens']);
    if (takeover !== undefined) expect(quantities).toContain(takeover);
  });
});
