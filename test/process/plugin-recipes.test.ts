import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import { ROOT } from '../support/readme.ts';

const LIMITERS = join(ROOT, 'test/fixtures/limiters/scripted');
const EXACT = readFileSync(join(LIMITERS, 'atomic.mjs'), 'utf8').replace(
  './bucket.mjs',
  join(LIMITERS, 'bucket.mjs'),
);
/** A bucket of 20:5/s takes 4 s to be full. */
const EXPIRES_HALF_FULL = EXACT.replace(
  '        TAKE,',
  `        TAKE.replace("'PX', 60000", "'PX', 2000"),`,
);

/** The command of docs/plugins.md for keys that expire too early. */
function recipe(): string[] {
  const page = readFileSync(join(ROOT, 'docs/plugins.md'), 'utf8');
  const line = page.split('\n').find((row) => row.startsWith('| keys that expire too early')) ?? '';
  const [, command = ''] = /`npx openclaw-rl ([^`]+)` \|$/.exec(line) ?? [];
  expect(command).toContain('--limiter ./mine.mjs');
  return command.split(' ');
}

async function run(limiter: string, seed: number) {
  const cwd = testFolder();
  writeFileSync(join(cwd, 'mine.mjs'), limiter);
  const args = [...recipe(), '--simulate', '--seed', String(seed), '--json'];
  const { code, stdout, stderr } = await callCli(args, { cwd });
  expect(stdout, stderr).not.toBe('');
  const { verdict, overAdmission }: RunReport = JSON.parse(stdout);
  return { code, verdict, excess: overAdmission.largestExcess };
}

describe('a recipe of docs/plugins.md', { timeout: 120_000 }, () => {
  it.each([1, 2])('V16: convicts a limiter whose keys expire too early, seed %d', async (seed) => {
    const { code, verdict, excess } = await run(EXPIRES_HALF_FULL, seed);
    expect([code, verdict]).toEqual([1, 'fail']);
    expect(excess).toBeGreaterThan(10);
    expect(await run(EXACT, seed)).toEqual({ code: 0, verdict: 'pass', excess: 0 });
  });
});
