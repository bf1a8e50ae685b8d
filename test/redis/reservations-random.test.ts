import { describe, expect, it } from 'vitest';
import { MISTAKES } from '../support/reservations/mistakes.ts';
import { type Judged, runSchedules } from '../support/reservations/run.ts';
import { SERVERS } from '../support/server.ts';

const ONE = { default: '30:4/s' };
const SEVERAL = { burst: '16:20/s', long: '40:3/s' };
const GIVE_TOO_MUCH = [
  'a settlement does not mark the record',
  'a settled reservation expires too',
  'an expired reservation is settled too',
  'a settlement gives back all',
];
const RIGHT = { totalExcess: 0, overAdmissions: 0, falseDenials: 0, violations: [], problems: [] };

describe.each(SERVERS)('reservations of random schedules on %s', { timeout: 120_000 }, (command) => {
  it.each([
    { title: 'one policy', policies: ONE, seed: 1 },
    { title: 'several policies', policies: SEVERAL, seed: 2 },
  ])('are given back once, and never too much: central, $title', async ({ policies, seed }) => {
    const judged = await runSchedules({
      ...{ command, policies, replicas: 0, processes: 4, seed, schedules: 100, inFlight: 50 },
    });
    expect(judged).toMatchObject(RIGHT);
    checkSeen(judged);
  });

  it.each([
    { title: 'one policy', policies: ONE, seed: 3, more: { crashes: 2 } },
    { title: 'several policies', policies: SEVERAL, seed: 4, more: { failOvers: 1, crashes: 1 } },
  ])('are so through failovers: acked, $title', async ({ policies, seed, more }) => {
    const judged = await runSchedules({
      ...{ command, policies, replicas: 1, processes: 4, seed, schedules: 200, inFlight: 100, ...more },
    });
    expect(judged).toMatchObject(RIGHT);
    checkSeen(judged);
  });

  it.each(Object.entries(MISTAKES))('show it if %s', async (name, mistake) => {
    const isShown = async (seed: number) => {
      const run = {
        command,
        policies: ONE,
        replicas: 0,
        processes: 4,
        seed,
        schedules: 60,
        inFlight: 60,
        mistake,
      };
      const { totalExcess, violations } = await runSchedules(run);
      return violations.length > 0 && (totalExcess > 0 || !GIVE_TOO_MUCH.includes(name)); // the history alone shows it too
    };
    // On a busy machine a schedule of few seconds may hold no settlement near an expiry.
    expect((await isShown(5)) || (await isShown(6)) || (await isShown(7))).toBe(true);
  });
});

function checkSeen({ seen }: Judged): void {
  for (const [name, count] of Object.entries(seen)) expect(count, name).toBeGreaterThan(5);
}
