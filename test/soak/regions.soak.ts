import { afterAll, afterEach, expect } from 'vitest';
import { startLocalRegions } from '../support/local-regions.ts';
import { describeProvider } from '../support/regions-contract.ts';
import { SERVERS } from '../support/server.ts';
import { logSoak } from '../support/soak-log.ts';

const ROUNDS = 10;

/** Seconds of each test, by server and by title. */
const seconds = new Map<string, number[]>();

for (let round = 1; round <= ROUNDS; round++)
  for (const server of SERVERS) describeProvider(server, () => startLocalRegions(server));

afterEach(({ task }) => {
  const name = `${task.suite?.name} | ${task.name}`;
  const { state, startTime = 0 } = task.result ?? {};
  if (state === 'fail') return; // the run goes red by itself, and nothing is logged
  seconds.set(name, [
    ...(seconds.get(name) ?? []),
    (performance.timeOrigin + performance.now() - startTime) / 1_000,
  ]);
});

afterAll(() => {
  for (const [name, rounds] of seconds) expect(rounds, name).toHaveLength(ROUNDS);
  logSoak(`regions, ${ROUNDS} rounds in a row without a retry`, [
    '| server | what | rounds | shortest s | longest s |',
    '| --- | --- | --- | --- | --- |',
    ...[...seconds].map(
      ([name, rounds]) =>
        `| ${name} | ${rounds.length} | ${Math.min(...rounds).toFixed(1)} | ${Math.max(...rounds).toFixed(1)} |`,
    ),
  ]);
});
