import { describe, expect, it } from 'vitest';
import { judgePlanted } from '../support/simulated/convict.ts';
import { hasTwin, PLANTED } from '../support/simulated/planted.ts';

const SEED = 1;
const named = PLANTED.map((planted) => [planted.name, planted] as const);

describe('a planted bug is convicted in a simulated run', () => {
  it.each(named)('%s', { timeout: 120_000 }, async (_, planted) => {
    expect((await judgePlanted(planted, { seed: SEED, isPlanted: true })).by).not.toEqual([]);
  });
});

describe('the limiter without it is not accused under the same faults and load', () => {
  it.each(named.filter(([, planted]) => hasTwin(planted)))('%s', { timeout: 120_000 }, async (_, planted) => {
    expect((await judgePlanted(planted, { seed: SEED, isPlanted: false })).by).toEqual([]);
  });
});
