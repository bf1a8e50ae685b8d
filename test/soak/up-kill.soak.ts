import { expect, it } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { testFolder } from '../support/cli.ts';
import { killDuringUp } from '../support/leftovers.ts';
import { SERVERS } from '../support/server.ts';
import { logSoak } from '../support/soak-log.ts';

const ROUNDS = 50;
const SEED = 1;

it(`up, SIGKILL at a random moment, down leaves nothing, ${ROUNDS} times in a row`, async () => {
  const random = makeRandom(SEED, 'up-kill');
  const rows: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const server = SERVERS[round % SERVERS.length] ?? '';
    const afterMs = Math.round(random() * 3_000);
    const { last, processes, left } = await killDuringUp(testFolder(), server, afterMs);
    rows.push(`| ${round + 1} | ${server} | ${afterMs} | ${last} | ${processes} | ${left.length} |`);
    expect(left, rows.join('\n')).toEqual([]);
  }
  logSoak('up, SIGKILL, down', [
    `Seed ${SEED}. Left: processes, listening sockets and state files after \`down\`.`,
    '',
    '| round | server | killed after, ms | its last words | processes then | left |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]);
});
