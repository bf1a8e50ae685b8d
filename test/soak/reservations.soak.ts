import { expect, it } from 'vitest';
import { MISTAKES } from '../support/reservations/mistakes.ts';
import { type Judged, runSchedules } from '../support/reservations/run.ts';
import { SERVERS } from '../support/server.ts';
import { logSoak } from '../support/soak-log.ts';

const BATCHES = 20;
const SCHEDULES = 500;
const POLICIES = [{ default: '30:4/s' }, { burst: '16:20/s', long: '40:3/s' }] as const;
const RIGHT = { totalExcess: 0, overAdmissions: 0, falseDenials: 0, violations: [], problems: [] };

const TABLE = [
  '| run | schedules | failovers: ordered, crash | reservations | extensions | settlements | expiries | repeats | takes | excess | given back too much |',
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
];

it(`holds 0 excess in ${BATCHES * SCHEDULES} schedules`, async () => {
  const rows: string[] = [];
  for (const command of SERVERS) {
    for (let seed = 1; seed <= BATCHES; seed++) {
      const isAcked = seed % 4 !== 0;
      const more = isAcked ? { replicas: 1 + (seed % 2), failOvers: 2, crashes: 3 } : { replicas: 0 };
      const policies = POLICIES[seed % 3 === 0 ? 1 : 0];
      const judged = await runSchedules({
        ...{ command, policies, processes: 6, seed, schedules: SCHEDULES, inFlight: 150, ...more },
      });
      expect(judged, `seed ${seed}`).toMatchObject(RIGHT);
      const policy = Object.values(policies).join(' and ');
      const name = `${command}, ${isAcked ? `acked, ${more.replicas} replicas` : 'central'}, ${policy}, seed ${seed}`;
      rows.push(rowOf(name, judged, isAcked ? '2, 3' : ''));
    }
  }
  logSoak('reservations: random schedules through lost replies, crashes, expiries and failovers', [
    ...TABLE,
    ...rows,
  ]);
});

it('finds every planted mistake', async () => {
  const rows: string[] = [];
  for (const [name, mistake] of Object.entries(MISTAKES)) {
    const judged = await runSchedules({
      ...{ command: SERVERS[0], policies: POLICIES[0], replicas: 0, processes: 6, mistake },
      ...{ seed: 100, schedules: SCHEDULES, inFlight: 150 },
    });
    expect(judged.violations.length, name).toBeGreaterThan(0);
    rows.push(rowOfMistake(name, judged));
  }
  const unacked = await runSchedules({
    ...{ command: SERVERS[0], policies: POLICIES[0], replicas: 1, isAcked: false, crashes: 5, processes: 6 },
    ...{ seed: 101, schedules: SCHEDULES, inFlight: 150 },
  });
  rows.push(rowOfMistake('none, but central through five crash failovers', unacked));
  logSoak('reservations: planted mistakes of the scripts, 500 schedules each', [
    '| mistake | buckets with excess in the history, at most 100 | excess | false denials | found by the exact model | seen by clients |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]);
});

function rowOfMistake(name: string, judged: Judged): string {
  const { totalExcess, overAdmissions, falseDenials, violations, problems } = judged;
  const counts = [overAdmissions, totalExcess.toFixed(3), falseDenials, violations.length, problems.length];
  return `| ${[name, ...counts].join(' | ')} |`;
}

function rowOf(name: string, { seen, totalExcess, violations }: Judged, failovers: string): string {
  const { reserves, extensions, settlements, expiries, repeats, takes } = seen;
  const counts = [
    reserves,
    extensions,
    settlements,
    expiries,
    repeats,
    takes,
    totalExcess,
    violations.length,
  ];
  return `| ${[name, SCHEDULES, failovers, ...counts].join(' | ')} |`;
}
