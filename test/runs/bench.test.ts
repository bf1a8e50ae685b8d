import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';
import { clusterFolder, up } from '../support/cli-cluster.ts';
import { hasEvidence, proved } from '../support/proved.ts';
import { SERVERS } from '../support/server.ts';
import { runVerified } from '../support/verified-run.ts';

/**
 * Smaller than the default so that the suite stays short; the defaults are run by readme.test.ts. Few users: a busy
 * machine decided 200 requests a second, which drain 12 buckets and not 30.
 */
const SMALL = [
  'bench',
  '--connections',
  '60',
  '--users',
  '12',
  '--skew',
  '0',
  '--duration',
  '5',
  '--ramp',
  '2',
];

const readLines = (folder: string) =>
  readFileSync(join(folder, 'reports/latest/history.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('bench', { timeout: 180_000 }, () => {
  it('leaves a cluster alone that runs another server than the one that was asked for', async () => {
    const folder = clusterFolder();
    await up(folder, '--server', 'redis-server', '--replicas', '0');
    const { child, output, ended } = startCli([...SMALL, '--server', 'valkey-server'], { cwd: folder });
    await untilSaid({ output }, /starting .* nodes of valkey/, { timeout: 30_000 });
    expect(output.stderr).toMatch(/default is up but does not fit this run; starting another/);
    child.kill('SIGINT');
    expect(await ended, output.stderr).toBe(130);
    expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
  });

  it.each(SERVERS)('on %s streams a history in which every request sent is accounted for', async (server) => {
    const { folder, code, report } = await proved(async () => {
      const cwd = testFolder();
      const run = await runVerified([...SMALL, '--server', server, '--json'], { cwd });
      return { folder: cwd, code: run.code, report: JSON.parse(run.stdout) as RunReport };
    }, hasEvidence);
    expect([code, report.verdict], JSON.stringify(report.claims)).toEqual([0, 'pass']);
    const lines = readLines(folder);
    const operations = lines.filter(({ type }) => type === 'op');
    expect(lines[0]).toMatchObject({
      type: 'header',
      format: 'openclaw-history',
      version: 1,
      initial: 'full',
      strategy: 'central',
    });
    expect(lines.at(-1)).toMatchObject({ type: 'end', sent: operations.length });
    expect(new Set(operations.map(({ index }) => index)).size).toBe(operations.length);
    const { allowed, denied, failed, info } = report.outcomes;
    expect(allowed + denied + failed + info).toBe(operations.length);
    expect(report.sent).toBe(operations.length);
    expect(new Set(operations.map(({ region }) => region))).toEqual(
      new Set(['us-east', 'eu-west', 'ap-south']),
    );
    for (const { invokedUs, completedUs, decision } of operations.slice(0, 100)) {
      expect(completedUs).toBeGreaterThan(invokedUs);
      expect(decision).toMatchObject({
        strategy: 'central',
        source: 'redis',
        level: expect.stringMatching(/^\d+$/),
      });
    }
    expect(readlinkSync(join(folder, 'reports/latest'))).toMatch(/^\d{8}T\d{9}Z-bench-1$/);
    expect(JSON.parse(readFileSync(join(folder, 'reports/latest/report.json'), 'utf8'))).toEqual(report);
  });

  it.each([
    {
      title: 'an invalid policy',
      args: ['--policy', '20'],
      says: /capacity:rate, for example 20:5\/s; found "20"/,
    },
    { title: 'a rate of nothing', args: ['--policy', '20:0/s'], says: /a rate must be above zero/ },
    {
      title: 'an unknown strategy',
      args: ['--strategy', 'magic'],
      says: /one of central, acked, .*; found "magic"/,
    },
    { title: 'no connections', args: ['--connections', '0'], says: /whole number from 1 to 10000/ },
    {
      title: 'no duration',
      args: ['--duration', 'NaN'],
      says: /time like 500ms, 10s or 2m, from 100ms to 1h/,
    },
    { title: 'regions of one name', args: ['--regions', 'a,a'], says: /different names/ },
    { title: 'an unknown option', args: ['--nonsense'], says: /unknown option '--nonsense'/ },
    {
      title: 'an unknown scenario',
      args: ['basline'],
      says: /no scenario is called "basline"; did you mean "baseline"\?/,
    },
    {
      title: 'an option that the scenario sets',
      args: ['baseline', '--users', '3'],
      says: /--users: cannot be used with a scenario, which sets this itself/,
    },
    {
      title: 'an invalid claim',
      args: ['--claim', 'total-exces <= 0'],
      says: /total-excess/,
    },
    {
      title: 'fewer users than regions',
      args: ['--users', '2', '--roaming', '0.5'],
      says: /--users: expected one for each of the 3 regions, or roaming 1; found 2/,
    },
    {
      title: 'fewer connections than regions',
      args: ['--connections', '2'],
      says: /--connections: expected one for each of the 3 regions; found 2/,
    },
    {
      title: 'options that need a target',
      args: ['--method', 'PUT', '--deny', '503'],
      says: /--method, --deny: only valid with --target/,
    },
    {
      title: 'a promise for a built-in strategy',
      args: ['--promise', 'fixed-window:9/1s'],
      says: /--promise: only valid with --target or --limiter/,
    },
    {
      title: 'options that start regions, with a target',
      args: ['--target', 'http://127.0.0.1:1/', '--strategy', 'article', '--replicas', '0'],
      says: /--strategy, --replicas: cannot be used with --target|--replicas, --strategy: cannot be used with --target/,
    },
    {
      title: 'many users that a target cannot distinguish',
      args: ['--target', 'http://127.0.0.1:1/'],
      says: /requests to target-1 have no subject header/,
    },
    {
      title: 'a password in a target',
      args: ['--target', 'http://u:s3cret@127.0.0.1:1/', '--users', '1'],
      says: /^(?![\s\S]*s3cret)[\s\S]*put credentials into a header/,
    },
    {
      title: 'a target from an unset variable',
      args: ['--target', 'env:NO_SUCH_URL', '--users', '1'],
      says: /--target: environment variable "NO_SUCH_URL" is not set/,
    },
    { title: 'one argument too many', args: ['baseline', 'x'], says: /too many arguments/ },
  ])('refuses $title with exit code 64, having started nothing', async ({ args, says }) => {
    const folder = testFolder();
    const { code, stdout, stderr } = await callCli(['bench', ...args], { cwd: folder });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(says);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses a server that is not there, exit code 69, and makes no folder', async () => {
    const folder = testFolder();
    const { code, stderr } = await callCli(['bench', '--server', 'no-such-server'], { cwd: folder });
    expect([code, readdirSync(folder)]).toEqual([69, []]);
    expect(stderr).toMatch(
      /no-such-server was not found\n {2}name a server that is installed, or leave out --server: .* doctor \[SERVER_MISSING\]/,
    );
  });

  it('refuses a folder for runs that is a file: exit code 64', async () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'reports'), 'a file');
    const { code, stderr } = await callCli(['bench'], { cwd: folder });
    expect(code).toBe(64);
    expect(stderr).toMatch(/error: --reports: .*reports is not a folder\n/);
  });
});

describe('help', () => {
  it.each([
    [['--help']],
    [['bench', '--help']],
    [['serve', '--help']],
    [['serve', 'rating', '--help']],
    [['serve', 'gateway', '--help']],
  ])('of %j goes to stdout, exit code 0', async (args) => {
    const { code, stdout, stderr } = await callCli(args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: openclaw-rl/);
  });
  it('names every exit code', async () => {
    expect((await callCli(['--help'])).stdout).toMatch(
      /0 pass .* 1 .* 2 unknown[\s\S]*64[\s\S]*69[\s\S]*70[\s\S]*130\/143/,
    );
  });
});
