import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { testFolder } from '../support/cli.ts';
import { proved } from '../support/proved.ts';
import { runVerified } from '../support/verified-run.ts';

/** Few users who all roam, so that every bucket is drained in every region. */
const LOAD = '--connections 300 --users 10 --roaming 1 --ramp 0.5 --duration 8'.split(' ');

/** A busy machine drops some of what is due; enough remains. */
const CLAIMS = ['worst-window <= bound', 'info <= 30%', 'dropped <= 50%'];

interface Ran {
  readonly code: number | string;
  readonly report: RunReport;
}

async function run(args: readonly string[], rate = 400): Promise<Ran> {
  const folder = testFolder();
  const claims = CLAIMS.flatMap((claim) => ['--claim', claim]);
  const { code } = await runVerified([...args, ...LOAD, '--rate', `${rate}`, ...claims], { cwd: folder });
  return { code, report: JSON.parse(readFileSync(join(folder, 'reports/latest/report.json'), 'utf8')) };
}

/** The outcomes of the region that is cut off. */
function cutOff({ cells }: RunReport): Partial<RunReport['outcomes']> {
  return (
    cells.find(({ phase, region }) => phase === 'during partition' && region === 'eu-west')?.outcomes ?? {}
  );
}

function mostUndecided(report: RunReport): number {
  const { failed = 0, info = 0 } = cutOff(report);
  return Math.max(failed, info);
}

describe('regions that decide side by side', { timeout: 180_000 }, () => {
  it('keep their declared bound while one is cut off, and go on deciding there', async () => {
    const cut = ['chaos', 'partition', '--isolate', 'eu-west', '--at', '2s', '--for', '3s'];
    // at 400 a second a busy machine lets Toxiproxy wait: the partition was over before it was looked at
    // A pause of a second makes some requests fail.
    const isCalm = ({ code, report }: Ran) => code === 1 || (code !== 2 && mostUndecided(report) === 0);
    const { code, report } = await proved(() => run([...cut, '--strategy', 'active-active'], 150), isCalm);
    const [claim] = report.claims;
    expect([code, claim?.status], JSON.stringify([report.troubles, report.claims])).toEqual([0, 'holds']);
    expect(claim?.measured).toBeGreaterThan(0);
    expect(claim?.limit).toBeGreaterThan(40); // two other regions, and how old the knowledge of them was
    const { allowed = 0, denied = 0 } = cutOff(report);
    expect(allowed).toBeGreaterThan(0);
    expect(mostUndecided(report)).toBeLessThan((allowed + denied) / 50);
    expect(report.plan.topology).toMatchObject({ replicas: 0, apart: true });
    expect(report.shards[0]?.sideBySide?.ageUs).toBeGreaterThan(3_000_000);
  });

  it('break it without any fault where the last write wins', async () => {
    const { code, report } = await run(['bench', '--strategy', 'active-active-lww']);
    expect([code, report.verdict, report.claims[0]?.status]).toEqual([1, 'fail', 'broken']);
  });
});

it('a limiter that reads replicas admits the same tokens again', { timeout: 180_000 }, async () => {
  const { code, report } = await run([
    'bench',
    '--strategy',
    'replica-reads',
    '--claim',
    'total-excess <= 0',
  ]);
  expect([code, report.verdict]).toEqual([1, 'fail']);
  expect(report.overAdmission.largestExcess).toBeGreaterThan(20);
});
