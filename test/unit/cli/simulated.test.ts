import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRecord } from '../../../src/history/records/parse-record.ts';
import { callCli } from '../../support/call-cli.ts';
import { historyText, write } from '../../support/check-files.ts';
import { runProgram, testFolder } from '../../support/cli.ts';

const ROOT = join(import.meta.dirname, '../../..');
const KEPT = join(ROOT, 'test/fixtures/runs/central/report.json');
const RUN = '20261201T000000000Z-bench-1';
const REAL = '20261202T000000000Z-bench-1';

/** A folder with a history that fails, simulated or not. */
function folderWithHistory(isSimulated: boolean): string {
  const cwd = testFolder();
  const [header = '', ...rest] = historyText(23).split('\n');
  const line = isSimulated ? JSON.stringify({ ...JSON.parse(header), simulated: true }) : header;
  write(cwd, 'h.ndjson', [line, ...rest].join('\n'));
  return cwd;
}

/** A folder with a kept run, simulated or not. */
function folderWithRun(isSimulated: boolean): string {
  const cwd = testFolder();
  const folder = join(cwd, 'reports', RUN);
  mkdirSync(folder, { recursive: true });
  const report = { ...JSON.parse(readFileSync(KEPT, 'utf8')), ...(isSimulated && { simulated: true }) };
  writeFileSync(join(folder, 'report.json'), JSON.stringify(report));
  return cwd;
}

describe.each([true, false])('a history whose header says simulated: %s', (isSimulated) => {
  it.each([
    { form: [], says: /^verdict {2}fail, simulated\n/ },
    { form: [], says: /policy .*strategy \S*, simulated/ },
    { form: ['--format', 'md'], says: /^# openclaw-rl check, simulated: fail\n/ },
    { form: ['--format', 'junit'], says: /<testsuite name="openclaw-rl check, simulated" / },
    { form: ['--format', 'junit'], says: /<property name="simulated" value="true"\/>/ },
    { form: ['--json'], says: /"simulated": true/ },
  ])('is judged, and says so or not: $says', async ({ form, says }) => {
    const cwd = folderWithHistory(isSimulated);
    const { code, stdout } = await callCli(['check', 'h.ndjson', ...form], { cwd });
    expect(code).toBe(1);
    if (isSimulated) expect(stdout).toMatch(says);
    else expect(stdout).not.toMatch(/simulated/);
  });

  it('has a certificate that says so, and that the verifier accepts', async () => {
    const cwd = folderWithHistory(isSimulated);
    await callCli(['check', 'h.ndjson', '--certificate', 'c.ndjson'], { cwd });
    const [head = ''] = readFileSync(join(cwd, 'c.ndjson'), 'utf8').split('\n');
    expect(JSON.parse(head).simulated).toBe(isSimulated || undefined);
    const verifier = join(ROOT, 'verify/verify.mjs');
    const verified = await runProgram(process.execPath, [verifier, 'c.ndjson', 'h.ndjson'], { cwd });
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(verified.stdout).simulated).toBe(isSimulated || undefined);
    const { code, stdout } = await callCli(['verify', '--certificate', 'c.ndjson', 'h.ndjson'], { cwd });
    const says = isSimulated
      ? 'verified  pass, simulated: every proof holds'
      : 'verified  pass: every proof holds';
    expect([code, stdout.split('\n')[0]]).toEqual([0, says]);
  });

  it('with a certificate of an earlier version, which does not say so, is verified', async () => {
    const cwd = folderWithHistory(isSimulated);
    await callCli(['check', 'h.ndjson', '--certificate', 'c.ndjson'], { cwd });
    const file = join(cwd, 'c.ndjson');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('"simulated":true,', '').replace(',"simulated":true', ''),
    );
    const { code, stdout } = await callCli(['verify', '--certificate', 'c.ndjson', 'h.ndjson'], { cwd });
    expect([code, stdout.startsWith('verified  pass, simulated')]).toEqual([0, isSimulated]);
  });
});

describe.each([true, false])('a run whose report says simulated: %s', (isSimulated) => {
  it.each([
    { command: ['report', RUN], says: /^verdict {2}pass, simulated\n/ },
    { command: ['report', RUN], says: /run {6}central, policy [^;]*, simulated;/ },
    { command: ['report', RUN, '--format', 'md'], says: /^# openclaw-rl bench, simulated: pass\n/ },
    { command: ['runs'], says: /│ pass, simulated +│/ },
    { command: ['runs', '--json'], says: /"simulated": true/ },
  ])('says so or not: $says', async ({ command, says }) => {
    const { code, stdout } = await callCli(command, { cwd: folderWithRun(isSimulated) });
    expect(code).toBe(0);
    if (isSimulated) expect(stdout).toMatch(says);
    else expect(stdout).not.toMatch(/simulated/);
  });

  it.each([RUN, 'bench-1', `reports/${RUN}`, undefined])(
    'is refused by gate, named %s or the newest, without --simulated',
    async (named) => {
      const cwd = folderWithRun(isSimulated);
      symlinkSync(RUN, join(cwd, 'reports/latest'));
      const words = named === undefined ? [] : [named];
      const plain = await callCli(['gate', ...words], { cwd });
      expect([plain.code, plain.stdout === '']).toEqual(isSimulated ? [64, true] : [0, false]);
      if (isSimulated) {
        const shown = named ?? 'reports/latest';
        expect(plain.stderr).toContain(
          `error: ${shown} was simulated: it is no evidence about a real Redis\n`,
        );
        expect(plain.stderr).toContain(`openclaw-rl gate ${shown} --simulated`);
      }
      const { code, stdout, stderr } = await callCli(['gate', ...words, '--simulated'], { cwd });
      expect([code, stdout.startsWith('verdict  pass, simulated\n')]).toEqual([0, isSimulated]);
      const note = `note: ${named ?? 'reports/latest'} is a real run, and is judged as one\n`;
      expect(stderr.includes(note)).toBe(!isSimulated);
    },
  );

  it('has it in its page', async () => {
    const cwd = folderWithRun(isSimulated);
    const { code } = await callCli(['report', RUN, '--html', 'page.html'], { cwd });
    expect(code).toBe(0);
    const page = readFileSync(join(cwd, 'page.html'), 'utf8');
    expect(page.includes('"title":"openclaw-rl bench, simulated"')).toBe(isSimulated);
  });
});

it('a history of a simulated run is not joined with one of a real run', async () => {
  const cwd = testFolder();
  const [header = '', ...rest] = historyText(5).split('\n');
  write(cwd, 'a.ndjson', historyText(5, { from: 10 }));
  write(cwd, 'b.ndjson', [JSON.stringify({ ...JSON.parse(header), simulated: true }), ...rest].join('\n'));
  for (const [files, says] of [
    [['a.ndjson', 'b.ndjson'], 'b.ndjson:1: it is of another run than the first file: it was simulated;'],
    [['b.ndjson', 'a.ndjson'], 'a.ndjson:1: it is of another run than the first file: it was not simulated;'],
  ] as const) {
    const { code, stdout, stderr } = await callCli(['check', ...files], { cwd });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toContain(says);
  }
});

it('a simulated run is no baseline of a real one', async () => {
  const cwd = folderWithRun(true);
  const report = { ...JSON.parse(readFileSync(KEPT, 'utf8')), startedAt: '2026-11-26T00:00:00.000Z' };
  mkdirSync(join(cwd, 'reports', REAL));
  writeFileSync(join(cwd, 'reports', REAL, 'report.json'), JSON.stringify(report));
  const args = ['compare', RUN, REAL, '--claim', 'p99(allowed) <= 2x'];
  const { code, stdout } = await callCli(args, { cwd });
  expect(code, stdout).toBe(2);
  expect(stdout).toMatch(/is no baseline: it was simulated\n/);
});

it.each([false, 1, 'true', null])('a header cannot say simulated: %j', (simulated) => {
  const [header = ''] = historyText(1).split('\n');
  expect(() => parseRecord({ ...JSON.parse(header), simulated })).toThrow('simulated must be true or absent');
});
