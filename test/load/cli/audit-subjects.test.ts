import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../../src/report/report.ts';
import { callCli } from '../../support/call-cli.ts';
import { runCli, testFolder } from '../../support/cli.ts';
import { httpReply, startHttpServer } from '../../support/http-server.ts';

const KEYS = Array.from({ length: 6 }, (_, i) => `Bearer sk_live_${'abcdef'[i]}7Q=`);
const ARGS = '--connections 6 --skew 0 --duration 1.5s --ramp 0 --policy 4:2/s --seed 1'.split(' ');

async function audit(keys: string, more: readonly string[] = [], run = runCli) {
  const spent = new Map<string, number>();
  const limiter = await startHttpServer(({ headers }, socket) => {
    const key = headers.authorization ?? '';
    spent.set(key, (spent.get(key) ?? 0) + 1);
    socket.write(httpReply(!KEYS.includes(key) ? 401 : (spent.get(key) ?? 0) <= 4 ? 200 : 429));
  });
  const folder = testFolder();
  writeFileSync(join(folder, 'keys.txt'), keys);
  const where = ['bench', '--target', limiter.url, '--subject-header', 'authorization'];
  const { code, stdout, stderr } = await run([...where, '--subjects', 'keys.txt', ...ARGS, ...more], {
    cwd: folder,
  });
  await limiter.stop();
  return { code, stdout, stderr, folder, spent };
}

/** Everything that a run has written, one text. */
function written(folder: string): string {
  const files = readdirSync(join(folder, 'reports'), { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'))
    .join('\n');
}

describe('bench --subjects', { timeout: 30_000 }, () => {
  it('sends real keys and writes none of them anywhere', async () => {
    const { stdout, stderr, folder, spent } = await audit(`${KEYS.join('\n')}\n`);
    expect([...spent.keys()].sort()).toEqual(KEYS);
    const all = stdout + stderr + written(folder);
    for (const secret of ['sk_live', ...KEYS]) expect(all).not.toContain(secret);
    const report: RunReport = JSON.parse(readFileSync(join(folder, 'reports/latest/report.json'), 'utf8'));
    expect(report.plan.load.users).toBe(KEYS.length);
    expect(report.warmUp).toEqual({ requests: 10, user: 'key-1' });
    expect(report.command).toContain('--subjects keys.txt');
    const plan = JSON.parse(readFileSync(join(folder, 'reports/latest/plan.json'), 'utf8'));
    expect(plan.drawn.users.map(({ name }: { name: string }) => name)).toEqual(
      KEYS.map((_, i) => `key-${i + 1}`),
    );
    const first = spent.get(KEYS[0] ?? '');
    const history = readFileSync(join(folder, 'reports/latest/history.ndjson'), 'utf8');
    expect(history.match(/"ratings:key-1"/g)).toHaveLength(first ?? 0);
  });

  it('uses the first of them where --users is fewer', async () => {
    const { spent } = await audit(KEYS.join('\r\n'), ['--users', '2']);
    expect([...spent.keys()]).toEqual(expect.arrayContaining(KEYS.slice(0, 2)));
    expect(spent.size).toBe(2);
  });

  it.each([
    {
      title: 'a key twice',
      keys: 'a1\ns3cret\nb\ns3cret\n',
      says: /keys\.txt:4: the key is the same as in line 2/,
    },
    { title: 'an empty line', keys: 'a1\n\ns3cret\n', says: /keys\.txt:2: the line is empty/ },
    { title: 'a blank at its end', keys: 's3cret \n', says: /keys\.txt:1: .*printable ASCII/ },
    { title: 'what no header can hold', keys: 's3cret\u0000\n', says: /keys\.txt:1: .*printable ASCII/ },
    { title: 'letters beyond ASCII', keys: 's3cret-ä\n', says: /keys\.txt:1: .*printable ASCII/ },
    { title: 'a key that is too long', keys: 's3cret'.repeat(1_000), says: /keys\.txt:1: .*at most 4096/ },
    { title: 'no key', keys: '', says: /keys\.txt: the file has no key/ },
    {
      title: 'too few',
      keys: 's3cret\n',
      more: ['--users', '2'],
      says: /at most 1, the number of keys in --subjects; found/,
    },
  ])('refuses $title, and does not show it', async ({ keys, more, says }) => {
    const { code, stdout, stderr } = await audit(keys, more, callCli);
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(says);
    expect(stderr).not.toContain('s3cret');
  });

  it('needs a header to send them in, a file that is there, and a target', async () => {
    const folder = testFolder();
    const refused = async (...args: string[]) => (await callCli(['bench', ...args], { cwd: folder })).stderr;
    writeFileSync(join(folder, 'keys.txt'), 'a\n');
    const target = ['--target', 'http://127.0.0.1:1/'];
    expect(await refused(...target, '--subjects', 'keys.txt')).toMatch(/--subjects needs --subject-header/);
    const header = ['--subject-header', 'x'];
    expect(await refused(...target, ...header, '--subjects', 'none')).toMatch(/none: there is no such file/);
    expect(await refused('--subjects', 'keys.txt')).toMatch(/only valid with --target/);
    expect(await refused('--warm-up', '3')).toMatch(/only valid with --target/);
  });
});
