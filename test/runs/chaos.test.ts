import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';

const LOAD = ['--connections', '300', '--users', '60', '--skew', '0.3'];

describe('chaos', { timeout: 120_000 }, () => {
  it('partition shows the phases, what each side answered, the takeover, and excess beside the bound', async () => {
    const folder = testFolder();
    const { code, stdout, stderr } = await runCli(
      ['chaos', 'partition', '--isolate', 'eu-west', ...LOAD, '--json'],
      { cwd: folder },
    );
    const report: RunReport = JSON.parse(stdout);
    expect([code, report.verdict], JSON.stringify([report.claims, stderr])).toEqual([0, 'pass']);
    expect(report.phases.map(({ name }) => name)).toEqual(['before', 'during partition', 'after partition']);

    const during = report.cells.filter(({ phase }) => phase === 'during partition');
    const failedIn = (region: string) => during.find((cell) => cell.region === region)?.outcomes.failed ?? 0;
    expect(failedIn('eu-west')).toBeGreaterThan(failedIn('us-east')); // its side is down, the other recovers
    const takeover = report.events.find(({ node, args }) => node === 'ap-south-1' && args?.to === 'primary');
    const [injected, healed] = report.faults.map(({ atUs }) => atUs);
    expect(takeover?.atUs).toBeGreaterThan(injected ?? Number.POSITIVE_INFINITY);
    expect(takeover?.atUs).toBeLessThan(healed ?? 0);

    const shard = report.shards.find((each) => each.shard === 'eu-west-0');
    expect(shard?.bound).toMatchObject({ totalExcess: expect.any(Number) });
    expect(shard?.failovers.map(({ node }) => node)).toEqual(['ap-south-1']);
    expect(report.overAdmission.largestExcess).toBeLessThanOrEqual(shard?.bound?.totalExcess ?? 0);
    expect(processesMentioning(folder)).toEqual([]);
    expect(readdirSync(join(folder, 'reports/latest')).sort()).toEqual([
      'history.ndjson',
      'junit.xml',
      'logs',
      'plan.json',
      'report.json',
      'report.md',
    ]);
  });

  it('draws the same plan of the same seed, byte for byte', async () => {
    const plans = await Promise.all(
      ['7', '7', '8'].map(async (seed) => {
        const folder = testFolder();
        const args = ['--connections', '10', '--users', '5', '--duration', '4', '--at', '1s', '--for', '1s'];
        await runCli(
          ['chaos', 'latency', '--between', 'us-east', 'eu-west', '--add', '50', ...args, '--seed', seed],
          {
            cwd: folder,
          },
        );
        return readFileSync(join(folder, 'reports/latest/plan.json'), 'utf8');
      }),
    );
    expect(plans[0]).toBe(plans[1]);
    expect(plans[2]).not.toBe(plans[0]);
  });

  it.each([
    { title: 'a region that is none', args: ['partition', '--isolate', 'mars'], says: /found "mars"/ },
    { title: 'a node that is none', args: ['kill', '--node', 'eu-west-9'], says: /eu-west-9/ },
    { title: 'a fault without its flags', args: ['partition'], says: /--isolate/ },
    {
      title: 'a fault longer than the load',
      args: ['kill', '--node', 'us-east-0', '--for', '30s'],
      says: /does not fit/,
    },
    { title: 'an unknown fault', args: ['earthquake'], says: /unknown command 'earthquake'/ },
  ])('refuses $title with exit code 64, having started nothing', async ({ args, says }) => {
    const folder = testFolder();
    const { code, stdout, stderr } = await runCli(['chaos', ...args], { cwd: folder });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(says);
    expect(readdirSync(folder)).toEqual([]);
  });
});
