import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runCli, startCli, testFolder, untilSaid } from '../support/cli.ts';
import { clusterFolder } from '../support/cli-cluster.ts';
import { processesMentioning } from '../support/processes.ts';
import { proved } from '../support/proved.ts';
import { runVerified } from '../support/verified-run.ts';

const SMALL = '--policy 8:2/s --rate 80 --connections 200 --users 6 --skew 0 --duration 3 --ramp 1'.split(
  ' ',
);

describe('a run on a cluster that stays', { timeout: 120_000 }, () => {
  it('is refused while a fault is in force, brings primaries home, and says how to have it again', async () => {
    const cwd = testFolder();
    const cli = (...args: string[]) => runCli(args, { cwd });
    expect((await cli('up', '--round-trip', 'us-east:eu-west=10')).code).toBe(0);

    const fault = startCli(['fault', 'partition', '--isolate', 'eu-west'], { cwd });
    await vi.waitUntil(() => /in force/.test(fault.output.stderr), { timeout: 20_000 });
    fault.child.kill('SIGKILL');
    await fault.ended;
    const refused = await cli('bench', ...SMALL);
    expect(refused.code).toBe(69);
    expect(refused.stderr).toMatch(
      /cluster default differs from its plan: us-east to eu-west is cut \(blackhole\); .*and 1 more\n {2}openclaw-rl fault heal --name default \[/,
    );
    expect((await cli('inspect', 'u1')).stdout).toMatch(/prefix rate:openclaw \(default\)/); // it was no last run
    expect((await cli('fault', 'heal')).code).toBe(0);

    expect((await cli('fault', 'failover', '--node', 'eu-west-1')).code).toBe(0);
    const { code, stdout, stderr } = await proved(
      () => runVerified(['bench', ...SMALL], { cwd }),
      (ran) => ran.code !== 2,
    );
    expect([code, stdout], stderr).toEqual([0, expect.stringMatching(/^verdict {2}pass\n/)]);
    expect(stderr).not.toContain('starting another');
    const { command } = JSON.parse(readFileSync(join(cwd, 'reports/latest/report.json'), 'utf8'));
    expect(command).toContain(
      '--round-trip us-east:eu-west=10 --round-trip us-east:ap-south=190 --round-trip eu-west:ap-south=120',
    );

    expect((await cli('down')).code).toBe(0);
    expect(processesMentioning(cwd)).toEqual([]);
  });
});

describe('a run in progress', { timeout: 120_000 }, () => {
  it.each([
    { title: 'on a cluster that stays', isUp: true },
    { title: 'on a cluster of its own', isUp: false },
  ])('$title is spared by down --all', async ({ isUp }) => {
    const cwd = clusterFolder();
    const topology = ['--regions', 'a,b', '--round-trip', 'a:b=10', '--replicas', '0'];
    if (isUp) expect((await runCli(['up', ...topology], { cwd })).code).toBe(0);
    const bench = startCli(['bench', ...topology, ...SMALL, '--duration', '30'], { cwd }); // longer than both commands take
    await untilSaid(bench, /^ +[\d.]+ s {2}load/m);
    const name = isUp ? 'default' : `run-${bench.child.pid}`;
    const down = await runCli(['down', '--all'], { cwd });
    expect([down.code, down.stderr]).toEqual([
      69,
      expect.stringContaining(
        `left alone, because a running program uses it: ${name} (pid ${bench.child.pid})\n`,
      ),
    ]);
    const status = await runCli(['status', '--name', name], { cwd });
    expect([status.code, bench.child.exitCode], status.stderr).toEqual([0, null]);
    expect(await bench.ended, bench.output.stderr).toBeOneOf([0, 2]); // 2: a busy machine drains too few buckets
    expect((await runCli(['down', '--all'], { cwd })).code).toBe(0);
    expect(processesMentioning(cwd)).toEqual([]);
  });
});

describe('a run that is killed', { timeout: 120_000 }, () => {
  it('leaves nothing once the next command has run', async () => {
    const cwd = testFolder();
    const args = ['chaos', 'partition', '--isolate', 'eu-west', ...SMALL, '--at', '1s', '--for', '2s'];
    const chaos = startCli(args, { cwd });
    await vi.waitUntil(() => /fault partition/.test(chaos.output.stderr), { timeout: 60_000 });
    chaos.child.kill('SIGKILL');
    await chaos.ended;
    expect(processesMentioning(cwd)).not.toEqual([]);
    const bench = await runCli(['bench', ...SMALL], { cwd });
    expect(bench.stderr).toMatch(/removed the leftovers of a killed run: run-\d+/);
    expect(bench.code, bench.stderr).toBeOneOf([0, 2]); // 2: a busy machine drains too few buckets
    expect(processesMentioning(cwd)).toEqual([]);
  });
});
