import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { RunReport } from '../../../src/report/report.ts';
import { runCli, startCli, testFolder } from '../../support/cli.ts';
import { httpReply, startHttpServer } from '../../support/http-server.ts';
import { processesMentioning } from '../../support/processes.ts';
import { hasEvidence, proved } from '../../support/proved.ts';

/** A limiter of a third party: a bucket in memory for each API key. */
async function startLimiter(capacity: number, perSecond: number) {
  const levels = new Map<string, { level: number; atMs: number }>();
  return startHttpServer(({ headers }, socket) => {
    const key = headers['x-api-key'] ?? '';
    const nowMs = performance.now();
    const bucket = levels.get(key) ?? { level: capacity, atMs: nowMs };
    const level = Math.min(capacity, bucket.level + ((nowMs - bucket.atMs) / 1_000) * perSecond);
    const allowed = level >= 1;
    levels.set(key, { level: allowed ? level - 1 : level, atMs: nowMs });
    socket.write(httpReply(allowed ? 200 : 429));
  });
}

const LOAD = '--connections 9 --users 9 --skew 0 --duration 1s --ramp 0.2s --policy 10:5/s'.split(' ');

/** Long enough for every bucket to be drained, also by a machine that is busy. */
const UNTIL_DRAINED = ['--duration', '3s'];

async function audit(url: string, more: readonly string[] = []) {
  const folder = testFolder();
  const args = ['bench', '--target', url, '--subject-header', 'x-api-key', ...LOAD, ...more];
  const { code, stdout, stderr } = await runCli(args, { cwd: folder, env: { TOKEN: 's3cret' } });
  const path = join(folder, 'reports/latest/report.json');
  const report: RunReport | undefined = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  expect(processesMentioning(folder)).toEqual([]);
  return { code, stdout, stderr, report };
}

describe('bench --target', { timeout: 120_000 }, () => {
  it('acquits a limiter that is already running and keeps its promise', async () => {
    const limiter = await startLimiter(10, 5);
    const { code, stdout, report } = await proved(() => audit(limiter.url, UNTIL_DRAINED), hasEvidence);
    expect([code, report?.verdict], stdout).toEqual([0, 'pass']);
    expect(report?.unaccounted).toBe(0);
    expect(stdout).not.toContain('bound of'); // nothing is declared by anybody
    await limiter.stop();
  });

  it.each([
    { title: 'without a claim', more: [] },
    { title: 'with a claim on speed alone', more: ['--claim', 'p99(allowed) <= 60s'] },
  ])('convicts one that lets a single request too many through, $title', async ({ more }) => {
    const limiter = await startLimiter(11, 5);
    const { code, stdout, report } = await audit(limiter.url, [...UNTIL_DRAINED, ...more]);
    expect([code, report?.verdict], stdout).toEqual([1, 'fail']);
    expect(report?.overAdmission.largestExcess).toBeGreaterThan(0.5);
    expect(report?.overAdmission.largestExcess).toBeLessThanOrEqual(1);
    await limiter.stop();
  });

  it('sends it no more than was asked for, and keeps what a header holds to itself', async () => {
    const limiter = await startLimiter(10, 5);
    const { stdout, report } = await audit(limiter.url, [
      '--rate',
      '40',
      '--header',
      'authorization=env:TOKEN',
    ]);
    expect(limiter.requests).toHaveLength(report?.sent ?? -1);
    expect(report?.sent).toBeLessThanOrEqual(51); // 40 a second for a second, and ten before
    expect(limiter.requests.every(({ headers }) => headers.authorization === 's3cret')).toBe(true);
    expect(stdout + JSON.stringify(report)).not.toContain('s3cret');
    await limiter.stop();
  });

  it('asks two ways in for one subject where requests do not say whose they are, and shows no secret', async () => {
    const limiter = await startLimiter(10, 5);
    const folder = testFolder();
    const target = `${limiter.url}/?key=s3cret`;
    const { code, stdout, stderr } = await runCli(
      [
        ...['bench', '--target', `a=${target}`, '--target', 'b=env:TARGET', '--users', '1', '--roaming', '1'],
        ...[
          '--connections',
          '4',
          '--duration',
          '3s',
          '--ramp',
          '0',
          '--policy',
          '10:5/s',
          '--body',
          's3cret=1',
        ],
      ],
      { cwd: folder, env: { TARGET: target } },
    );
    expect([code, stdout.includes('verdict  pass')], stderr).toEqual([0, true]);
    const report = readFileSync(join(folder, 'reports/latest/report.json'), 'utf8');
    expect(JSON.parse(report).command).toMatch(/--target 'a=http\S+\?\.\.\.' .* --body '?\.\.\.'? /);
    expect(stdout + stderr + report).not.toContain('s3cret');
    expect(limiter.requests.every(({ path }) => path === '/?key=s3cret')).toBe(true);
    await limiter.stop();
  });

  it('announces the few requests before the load, and has them in its books', async () => {
    const limiter = await startLimiter(10, 5);
    const { stdout, stderr, report } = await audit(limiter.url);
    expect(stderr).toMatch(
      /warm up +at most 10 requests to http:\S+ as warm-up, recorded like all others; --warm-up 0 sends none/,
    );
    expect(limiter.requests.slice(0, 10).every(({ headers }) => headers['x-api-key'] === 'warm-up')).toBe(
      true,
    );
    expect(limiter.requests.slice(10).some(({ headers }) => headers['x-api-key'] === 'warm-up')).toBe(false);
    expect(report?.warmUp).toEqual({ requests: 10, user: 'warm-up' });
    expect([report?.sent, report?.unaccounted]).toEqual([limiter.requests.length, 0]);
    expect(stdout).toMatch(/warm-up requests .* 10 of these, as warm-up/);
    await limiter.stop();
  });

  it('sends none of them with --warm-up 0', async () => {
    const limiter = await startLimiter(10, 5);
    const run = async () => {
      const before = limiter.requests.length;
      const ran = await audit(limiter.url, ['--warm-up', '0', ...UNTIL_DRAINED]);
      return { ...ran, received: limiter.requests.length - before };
    };
    const { code, stdout, stderr, report, received } = await proved(run, hasEvidence);
    expect(code, stdout).toBe(0);
    expect(stderr).toMatch(/warm up +no requests/);
    expect(limiter.requests.some(({ headers }) => headers['x-api-key'] === 'warm-up')).toBe(false);
    expect([report?.warmUp, report?.sent]).toEqual([undefined, received]);
    await limiter.stop();
  });

  it.each([
    { title: 'the first few', more: [], mostSent: 10 },
    { title: 'those of the load', more: ['--warm-up', '0'], mostSent: 1e9 },
  ])('ends within a second where $title are answered by nothing it knows', async ({ more, mostSent }) => {
    const limiter = await startHttpServer((_, socket) => void socket.write(httpReply(401)));
    const { code, stdout, report } = await audit(limiter.url, ['--duration', '60s', ...more]);
    expect([code, report?.verdict]).toEqual([2, 'unknown']);
    expect(report?.loadMs).toBeLessThan(5_000); // of 60 s; within a second where there is a processor
    expect(report?.sent).toBeLessThanOrEqual(mostSent);
    expect([report?.sent, report?.unaccounted]).toEqual([limiter.requests.length, 0]);
    expect(report?.troubles).toEqual([
      `none of ${report?.sent} requests was allowed or denied, so sending stopped; results: 401 ` +
        `(${report?.sent} times); send credentials with --header, or set --allow and --deny to the statuses of this service`,
    ]);
    expect(stdout).toContain('send credentials with --header');
    await limiter.stop();
  });

  it('ends soon after a signal between two requests of a slow warm-up', async () => {
    let served = 0;
    const limiter = await startHttpServer((_, socket) => {
      served++;
      socket.write(httpReply(200));
    });
    const folder = testFolder();
    const args = ['bench', '--target', limiter.url, '--subject-header', 'x-api-key', ...LOAD];
    const { child, output, ended } = startCli([...args, '--rate', '0.1'], { cwd: folder });
    await vi.waitUntil(() => served > 0, { timeout: 20_000 });
    const startedMs = performance.now();
    child.kill('SIGTERM');
    expect(await ended, output.stderr).toBe(143);
    expect(performance.now() - startedMs).toBeLessThan(9_000); // the next request was due after 10 s
    await limiter.stop();
  });

  it('says of a load in which nothing answers to look at the service', async () => {
    const { code, report } = await audit('http://127.0.0.1:1/api', ['--warm-up', '0', '--duration', '60s']);
    expect([code, report?.verdict]).toEqual([2, 'unknown']);
    expect(report?.troubles[0]).toMatch(/results: CONNECT_FAILED \(\d+ times\); check the address/);
  });

  it('goes on where one answer of many says something', async () => {
    const limiter = await startHttpServer(({ serial }, socket) => {
      socket.write(httpReply(serial % 100 === 5 ? 429 : 401));
    });
    const { report } = await audit(limiter.url, ['--duration', '2s']);
    expect(report?.loadMs).toBeGreaterThan(1_900);
    expect(report?.troubles).toEqual([]);
    await limiter.stop();
  });

  it('says at once that nothing answers: exit code 69', async () => {
    const { code, stderr, report } = await audit('http://127.0.0.1:1/api');
    expect([code, report]).toEqual([69, undefined]);
    expect(stderr).toMatch(
      /no reply from http:\/\/127\.0\.0\.1:1\/api \(CONNECT_FAILED\)\n {2}check the address, and that the service runs \[TARGET_SILENT\]/,
    );
  });
});
