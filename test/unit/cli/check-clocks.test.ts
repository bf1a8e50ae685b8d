import { describe, expect, it } from 'vitest';
import type { ClockReading } from '../../../src/history/records/operation.ts';
import { callCli } from '../../support/call-cli.ts';
import { historyText, write } from '../../support/check-files.ts';
import { testFolder } from '../../support/cli.ts';
import { partOf, partText } from '../../support/part-history.ts';

const AHEAD_US = 5_000_000;

/** A ping every 100 ms for 2 s; from the tenth on the own clock is `jumpUs` ahead. */
const pings = (jumpUs: number): ClockReading[] =>
  Array.from({ length: 20 }, (_, at) => ({
    ...{ type: 'clock', source: 'machine', node: 'base', errorUs: 400 },
    atUs: at * 100_000 + (at < 10 ? 0 : jumpUs),
    serverUs: AHEAD_US + at * 100_000,
  }));

const operations = [{ invokedUs: 100_000, completedUs: 101_000 }];

async function check(jumpUs: number, ...flags: readonly string[]) {
  const folder = testFolder();
  write(folder, 'a', partText({ operations, records: pings(0) }));
  write(folder, 'b', partText({ part: partOf('b'), operations, records: pings(jumpUs) }));
  return callCli(['check', 'a', 'b', ...flags], { cwd: folder });
}

describe('check of parts of several machines', () => {
  it('says how well the clock of each is known', async () => {
    const { stdout } = await check(0);
    expect(stdout).toMatch(
      /clock of +│ parts +│ known to ms +│ pings +│ node readings +│ decisions +│ left out/,
    );
    expect(stdout).toMatch(/machine-a +│ a +│ 0\.4\d? +│ 20 +│ 0 +│ 0 +│ 0/);
    expect(stdout).toContain('two clocks drift apart by at most 0.1% (--clock-drift)');
  });

  it('says it in JSON', async () => {
    const { machines, driftPpm } = JSON.parse((await check(0, '--json')).stdout);
    expect([driftPpm, machines]).toMatchObject([1_000, [{ machine: 'machine-a' }, { machine: 'machine-b' }]]);
  });

  it('names the two readings if a clock jumped, and judges nothing', async () => {
    const { code, stdout } = await check(200_000);
    const text = stdout.replace(/\s+/g, ' ');
    expect(code).toBe(2);
    expect(text).toContain(
      'the clock of machine machine-b (b) contradicts the clock endpoint: it read 5.900000 s at 0.900000 s within 400 us, and read 6.000000 s at 1.200000 s within 400 us: 0.198',
    );
  });

  it('accepts it if the clock was slewed so fast', async () => {
    const { stdout } = await check(20_000, '--clock-drift', '200000');
    expect(stdout).not.toContain('contradicts');
    expect(stdout).toContain('two clocks drift apart by at most 20% (--clock-drift)');
  });

  it('refuses a drift for files of one recorder', async () => {
    const folder = testFolder();
    write(folder, 'h', historyText(1));
    const { code, stderr } = await callCli(['check', 'h', '--clock-drift', '2000'], { cwd: folder });
    expect(code).toBe(64);
    expect(stderr).toContain('--clock-drift is for a run in parts');
  });
});
