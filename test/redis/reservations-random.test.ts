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
    const { totalExcess, violations } = await runSchedules({
      ...{ command, policies: ONE, replicas: 0, processes: 4, seed: 5, schedules: 60, inFlight: 60, mistake },
    });
    expect(violations.length).toBeGreaterThan(0);
    if (GIVE_TOO_MUCH.includes(name)) expect(totalExcess).toBeGreaterThan(0); // the history alone shows it too
  });
});

function checkSeen({ seen }: Judged): void {
  for (const [name, count] of Object.entries(seen)) expect(count, name).toBeGreaterThan(5);
}
