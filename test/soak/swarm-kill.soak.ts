import { expect, it } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { logSoak } from '../support/soak-log.ts';
import { startBed } from '../support/swarm/bed.ts';
import { killOnSwarm } from '../support/swarm/swarm-kill.ts';

const ROUNDS = 10;
const SEED = 1;
/** From the checks to the removal. */
const WITHIN_MS = 50_000;
const RUN = [
  'bench',
  '--duration',
  '8',
  '--rate',
  '100',
  '--connections',
  '30',
  '--users',
  '6',
  '--lead',
  '30',
];

it(`a killed run on a swarm: SIGKILL at a random moment, down leaves nothing, ${ROUNDS} times in a row`, async () => {
  const random = makeRandom(SEED, 'swarm-kill');
  const rows: string[] = [];
  const bed = await startBed();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const afterMs = Math.round(WITHIN_MS * random());
      const { last, before, left } = await killOnSwarm(bed, RUN, afterMs);
      rows.push(
        `| ${round + 1} | ${afterMs} | ${last.replace(/ \/\S+/g, ' ...')} | ${before.length} | ${left.length} |`,
      );
      expect(left, rows.join('\n')).toEqual([]);
    }
  } finally {
    await bed.stop();
  }
  logSoak('a killed run on a swarm', [
    `Seed ${SEED}. Then, left: containers, networks, services, configs and secrets with the label of a run, before and`,
    'after `down --all --yes` on the manager.',
    '',
    '| round | killed after, ms | its last words | then | left |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ]);
});
