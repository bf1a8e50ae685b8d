import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';
import { guardsOf, isRunning, processesMentioning, servicePid } from '../support/processes.ts';

const SMALL = ['--rate', '60', '--connections', '60', '--users', '6', '--skew', '0', '--ramp', '1'];
const PARTITION = ['chaos', 'partition', '--isolate', 'eu-west', ...SMALL, '--at', '1s', '--for', '2s'];
const SHORT = [...PARTITION, '--duration', '4'];
const LONG = [...PARTITION, '--duration', '60'];

describe('Ctrl-C', { timeout: 120_000 }, () => {
  it.each([
    { when: 'while the cluster forms', args: LONG, sign: /forming the cluster/, verdict: /^$/ },
    { when: 'while the services start', args: LONG, sign: /provision/, verdict: /^$/ },
    { when: 'while it warms up', args: LONG, sign: /warm up/, verdict: /^$/ },
    { when: 'before the fault', args: LONG, sign: /load .*\d\/60 s/, verdict: /^verdict {2}unknown\n/ },
    {
      when: 'while a fault is in force',
      args: LONG,
      sign: /fault partition/,
      verdict: /^verdict {2}(unknown|fail)\n/,
    },
    {
      when: 'while it settles',
      args: [...SHORT, '--claim', 'throughput >= 900000/s'], // the load is whole by then: on a quiet machine it would pass
      sign: /settle/,
      verdict: /^verdict {2}(unknown|fail)\n/,
    },
    { when: 'while it is judged', args: SHORT, sign: /check/, verdict: /^verdict/ },
    { when: 'while it is torn down', args: SHORT, sign: /tear down/, verdict: /^verdict/ },
  ])('$when heals, judges what there is, tears down and exits 130', async ({ args, sign, verdict }) => {
    const folder = testFolder();
    const { child, output, ended } = startCli(args, { cwd: folder });
    await untilSaid({ output }, sign);
    child.kill('SIGINT');
    expect(await ended, output.stderr).toBe(130);
    expect(output.stdout).toMatch(verdict);
    expect(output.stderr).not.toMatch(/not undone|bug/);
    expect(processesMentioning(folder)).toEqual([]);
  });

  it('while a long run is judged ends that, and tears down: SIGTERM, 143', async () => {
    const folder = testFolder();
    const { child, output, ended } = startCli(['bench', '--duration', '5', '--connections', '200'], {
      cwd: folder,
      env: { OPENCLAW_RL_JUDGE_APART: '0' },
    });
    await untilSaid({ output }, /\bcheck\b/, { interval: 2 });
    child.kill('SIGTERM');
    expect(await ended, output.stderr).toBe(143);
    expect(output.stdout).toMatch(/^verdict {2}unknown\n/);
    expect(output.stdout).toMatch(/the check of the run was interrupted/);
    expect(output.stderr).toMatch(/tear down/);
    expect(output.stderr).not.toMatch(/not undone|bug/);
    expect(processesMentioning(folder)).toEqual([]);
    const run = join(folder, 'reports/latest');
    expect(readdirSync(run)).toContain('history.ndjson');
    expect(readFileSync(join(run, 'report.json'), 'utf8')).toMatch(/the check of the run was interrupted/);
  });

  it('on a cluster that stays heals its links and brings its primaries home', async () => {
    const folder = testFolder();
    const up = startCli(['up'], { cwd: folder });
    expect(await up.ended, up.output.stderr).toBe(0);
    const { child, output, ended } = startCli(LONG, { cwd: folder });
    await untilSaid({ output }, /fault partition/, { timeout: 60_000 });
    child.kill('SIGINT');
    expect(await ended, output.stderr).toBe(130);
    const status = startCli(['status', '--json'], { cwd: folder });
    await status.ended;
    const { links, nodes } = JSON.parse(status.output.stdout);
    expect(links.filter(({ cut }: { cut?: string }) => cut !== undefined)).toEqual([]);
    expect(
      nodes
        .filter(({ role }: { role: string }) => role === 'primary')
        .map(({ name }: { name: string }) => name),
    ).toEqual(['us-east-0', 'eu-west-0', 'ap-south-0']);
    const down = startCli(['down'], { cwd: folder });
    expect(await down.ended).toBe(0);
    expect(processesMentioning(folder)).toEqual([]);
  });

  it('twice kills what it started and leaves at once; the next command removes the files', async () => {
    const folder = testFolder();
    const { child, output, ended } = startCli(LONG, { cwd: folder });
    await untilSaid({ output }, /fault partition/, { timeout: 60_000 });
    const service = servicePid(folder, 'rating', 'eu-west');
    // Ending a service that is stopped takes seconds: time for the second signal on a busy machine.
    const stopped = [service, ...(await guardsOf(service))];
    onTestFinished(() => {
      for (const pid of stopped.filter(isRunning)) process.kill(pid, 'SIGKILL');
    });
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    const before = output.stderr.length;
    child.kill('SIGINT');
    // Two signals of one kind that wait together are one: the second only once the first has been obeyed.
    await vi.waitUntil(() => / heal/.test(output.stderr.slice(before)), { timeout: 30_000, interval: 2 });
    const again = setInterval(() => child.kill('SIGINT'), 50); // those that come at once are the same
    expect(await ended, output.stderr).toBe(130);
    clearInterval(again);
    expect(output.stdout).toBe('');
    await vi.waitUntil(() => processesMentioning(folder).length === 0, { timeout: 10_000 });
    const down = startCli(['down'], { cwd: folder });
    expect(await down.ended).toBe(0);
    expect(down.output.stderr).toMatch(/removed the leftovers of a killed run: run-\d/);
    expect(readdirSync(join(folder, 'state/clusters'))).toEqual([]);
    const [run = ''] = readdirSync(join(folder, 'reports'));
    expect(readFileSync(join(folder, 'reports', run, 'history.ndjson'), 'utf8')).toMatch(
      /^\{"type":"header"/,
    );
  });
});

it('a program that was stopped for a while does not take its own absence for the system', {
  timeout: 120_000,
}, async () => {
  const folder = testFolder();
  const { child, output, ended } = startCli(['bench', ...SMALL, '--duration', '8'], { cwd: folder });
  await untilSaid({ output }, /load .*\d\/8 s/);
  child.kill('SIGSTOP');
  await setTimeout(4_500);
  child.kill('SIGCONT');
  expect(await ended, output.stderr).toBe(2);
  expect(output.stdout).toMatch(/^verdict {2}unknown\n/);
  expect(output.stdout).toMatch(/the load generator stalled for \d\.\d s; latencies include that stall/);
  expect(processesMentioning(folder)).toEqual([]);
});
