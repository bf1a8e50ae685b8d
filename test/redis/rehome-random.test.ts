import { describe, expect, it } from 'vitest';
import { MISTAKES } from '../support/rehome/mistakes.ts';
import { type JudgedMoves, runMoves, SEEN_ABOVE } from '../support/rehome/run.ts';
import { SERVERS } from '../support/server.ts';

const SLOW = '40:1/h';
const FAST = '30:4/s';
const RIGHT = { minted: 0, totalExcess: 0, problems: [] };
const base = { processes: 4, subjects: 40, inFlight: 40, movesEach: 4 };

describe.each(SERVERS)('buckets that move at random on %s', { timeout: 120_000 }, (command) => {
  it.each([SLOW, FAST])(
    'admit what one bucket would, by lost and late messages: central, %s',
    async (policy) => {
      const judged = await runMoves({ ...base, command, policy, replicas: 0, seed: 1 });
      expect(judged).toMatchObject(RIGHT);
      checkSeen(judged);
    },
  );

  it.each([
    [SLOW, { crashes: 2 }],
    [FAST, { failOvers: 1, crashes: 1 }],
  ])('do so through failovers of both homes: acked, %s', async (policy, more) => {
    const judged = await runMoves({ ...base, command, policy, replicas: 1, seed: 2, ...more });
    expect(judged).toMatchObject(RIGHT);
    checkSeen(judged);
  });

  it('do so by leases, through failovers of both homes', async () => {
    const more = { lends: true, replicas: 1, crashes: 1, failOvers: 1, movesEach: 3 };
    const judged = await runMoves({ ...base, command, policy: SLOW, seed: 4, ...more });
    expect(judged).toMatchObject(RIGHT);
    expect(judged.seen.moves).toBeGreaterThan(100);
  });

  it.each(Object.entries(MISTAKES))('show it if %s', async (_, mistake) => {
    const run = { ...base, command, policy: SLOW, replicas: 0, seed: 3, subjects: 25, mistake };
    const { minted, problems } = await runMoves(run);
    expect(minted + problems.length).toBeGreaterThan(0); // or the bucket is stuck
  });
});

function checkSeen({ seen }: JudgedMoves): void {
  for (const [name, count] of Object.entries(seen)) expect(count, name).toBeGreaterThan(SEEN_ABOVE);
}
