import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Operation } from '../../src/history/records/operation.ts';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { httpReply, startHttpServer } from '../support/http-server.ts';

const TOPOLOGY = 'topology: { regions: [a, b], replicas: 0, roundTrip: { a:b: 10ms } }';
const CLAIMS = 'claims: [total-excess <= 0, contested >= 50%, info <= 30%, dropped <= 50%]';

/** Four keys of forms that real logs have; in twenty waves, so that buckets are drained. */
const KEYS = ['ada', '2001:db8::1', 'auth0|5f7', 'k=%{x}'];
const LOG = Array.from({ length: 400 }, (_, nth) => ({
  user: KEYS[(nth * 7) % KEYS.length] ?? '',
  atUs: 1_700_000_000_000_000 + 150_000 * Math.floor(nth / 20) + 13 * nth,
}));

function scenario(folder: string, load: string, more = ''): void {
  const lines = ['# Does it keep its promise for this log?', TOPOLOGY, 'policy: 10:5/s', load, CLAIMS, more];
  writeFileSync(join(folder, 'replay.yaml'), lines.join('\n'));
}

function writeLog(folder: string, rows: readonly string[]): void {
  writeFileSync(join(folder, 'access.csv'), ['user,at_us', ...rows].join('\n'));
}

const ROWS = LOG.map(({ user, atUs }) => `${user},${atUs}`);
const FROM = 'load: { from: { file: access.csv, key: user, start: at_us }, connections: 60, roaming: 1 }';

function readRun(folder: string): { report: RunReport; operations: Operation[] } {
  const text = (name: string) => readFileSync(join(folder, 'reports/latest', name), 'utf8');
  const records = text('history.ndjson').trimEnd().split('\n');
  const operations = records.map((line) => JSON.parse(line)).filter(({ type }) => type === 'op');
  return {
    report: JSON.parse(text('report.json')),
    operations: operations.sort((a, b) => a.index - b.index),
  };
}

describe('a log that is sent again', { timeout: 180_000 }, () => {
  it('arrives at the times and for the keys of the log, and is judged', async () => {
    const folder = testFolder();
    writeLog(folder, [...ROWS.toReversed(), '-,1700000000000000']);
    scenario(folder, FROM);
    const { code, stderr } = await runCli(['run', 'replay.yaml'], { cwd: folder });
    const { report, operations } = readRun(folder);
    expect(stderr).toMatch(/400 requests of access\.csv, at most 60 in flight, 2\.856 s/);
    const dropped = report.cells.reduce((sum, cell) => sum + (cell.dropped ?? 0), 0);
    if (dropped === 0) expect(operations.map(({ user }) => user)).toEqual(LOG.map(({ user }) => user));
    const dueUs = new Set(LOG.map(({ atUs }) => atUs - (LOG[0]?.atUs ?? 0)));
    const firstUs = operations[0]?.intendedUs ?? Number.NaN;
    const strays = operations.filter(
      ({ intendedUs = 0 }) => ![-1, 0, 1].some((by) => dueUs.has(intendedUs - firstUs + by)),
    );
    expect(strays).toEqual([]);
    expect(new Set(operations.map(({ region }) => region))).toEqual(new Set(['a', 'b']));
    expect([code, report.verdict]).toEqual([0, 'pass']);
    expect(report.plan.load).toMatchObject({
      users: 4,
      durationMs: 2_856,
      log: { requests: 400, keyless: 1 },
    });
    expect((report.notes ?? []).join('\n')).toMatch(/access\.csv: 1 line without a key, not sent again/);
  });

  it('sends the history of a run again', async () => {
    const folder = testFolder();
    writeLog(folder, ROWS.slice(0, 60));
    scenario(folder, FROM);
    await runCli(['run', 'replay.yaml'], { cwd: folder });
    const first = readRun(folder);
    const from = join(folder, 'reports/latest/history.ndjson');
    writeFileSync(join(folder, 'first.ndjson'), readFileSync(from));
    scenario(folder, 'load: { from: first.ndjson, connections: 120 }'); // of one region as many as requests: none is dropped
    await runCli(['run', 'replay.yaml'], { cwd: folder });
    const asked = ({ operations }: ReturnType<typeof readRun>) =>
      operations.map(({ user, region }) => `${user} ${region}`).sort();
    expect(asked(readRun(folder))).toEqual(asked(first));
  });

  it('names its keys to a service that runs already', async () => {
    const server = await startHttpServer((_, socket) => socket.write(httpReply(200)));
    onTestFinished(() => server.stop());
    const folder = testFolder();
    writeLog(folder, ROWS.slice(0, 40));
    scenario(folder, FROM);
    writeFileSync(
      join(folder, 'services.yaml'),
      `regions: [a, b]\nservices: { a: "${server.url}", b: "${server.url}" }\n`,
    );
    const where = ['--endpoints', 'services.yaml', '--subject-header', 'x-key', '--warm-up', '0'];
    const { stderr } = await runCli(['run', 'replay.yaml', ...where], { cwd: folder });
    const keys = server.requests.map(({ headers }) => headers['x-key']);
    expect(keys.toSorted(), stderr).toEqual(
      LOG.slice(0, 40)
        .map(({ user }) => user)
        .toSorted(),
    );
  });
});

describe('before anything starts', () => {
  it.each<[string, string, string, RegExp]>([
    ['a log that does not exist', 'load: { from: other.log }', '', /other\.log: there is no such file/],
    [
      'a log whose fields are unknown',
      'load: { from: access.csv }',
      '',
      /expected key, the field that names the user; fields of the first line: user, at_us/,
    ],
    [
      'a fault after its end',
      FROM,
      'faults: [{ fault: partition, isolate: [b], at: 2s, for: 2s }]',
      /partition must be healed by the end of access\.csv, at 2\.856 s; found 4 s/,
    ],
    [
      'a log of more than an hour',
      'load: { from: { file: long.csv, key: user, start: at_s } }',
      '',
      /long\.csv lasts longer than 1h, the longest load/,
    ],
    [
      'a cost above the capacity',
      'load: { from: { file: long.csv, key: user, start: at_s, cost: tokens }, duration: 5s }',
      '',
      /a request of bob in long\.csv, 2\.5 s after its first, costs 11 tokens, more than the capacity of 10:5\/s/,
    ],
  ])('%s is refused', async (_what, load, more, message) => {
    const folder = testFolder();
    writeLog(folder, ROWS);
    writeFileSync(join(folder, 'long.csv'), 'user,at_s,tokens\nada,10,1\nbob,12.5,11\nada,3611,1\n');
    scenario(folder, load, more);
    const { code, stderr } = await callCli(['run', 'replay.yaml'], { cwd: folder });
    expect(stderr).toMatch(message);
    expect(code).toBe(64);
    expect(existsSync(join(folder, 'reports'))).toBe(false);
  });
});
