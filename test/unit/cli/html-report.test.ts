import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures');

/** A folder with kept runs: report and history of each. */
function folderWithRuns(names: readonly ('article' | 'central')[]): string {
  const folder = testFolder();
  for (const [at, name] of names.entries()) {
    const run = join(folder, `reports/2026112${at}T000000000Z-${name}-1`);
    mkdirSync(run, { recursive: true });
    cpSync(join(FIXTURES, 'runs', name, 'report.json'), join(run, 'report.json'));
    writeFileSync(join(run, 'history.ndjson'), gunzipSync(readFileSync(join(FIXTURES, `${name}.ndjson.gz`))));
    rmSync(join(folder, 'reports/latest'), { force: true });
    symlinkSync(run, join(folder, 'reports/latest'));
  }
  return folder;
}

describe('report', { timeout: 60_000 }, () => {
  it('--html makes the page of the newest run in its folder, and prints where', async () => {
    const cwd = folderWithRuns(['central', 'article']);
    const { code, stdout } = await callCli(['report', '--html'], { cwd });
    expect([code, stdout]).toEqual([1, `${join(cwd, 'reports/latest/report.html')}\n`]);
    const html = readFileSync(stdout.trim(), 'utf8');
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toMatch(/Content-Security-Policy" content="default-src 'none'; script-src 'sha256-/);
    expect(html).not.toMatch(/<(script|link|img|iframe)[^>]+(src|href)=/);
  });

  it('--html makes it where it is asked to', async () => {
    const cwd = folderWithRuns(['central']);
    const { code, stdout } = await callCli(['report', 'central-1', '--html', 'run.html'], { cwd });
    expect([code, stdout]).toEqual([0, `${join(cwd, 'run.html')}\n`]);
    expect(existsSync(join(cwd, 'run.html'))).toBe(true);
  });

  it.each([
    {
      args: ['report', '--html', 'central-1'],
      says: /for the run central-1: openclaw-rl report central-1 --html\n/,
    },
    { args: ['report', '--html=reports/latest'], says: /openclaw-rl report reports\/latest --html\n/ },
    { args: ['compare', '--html', 'central-1', 'article-1'], says: /openclaw-rl compare <run...> --html\n/ },
  ])('takes no run for a file: $args', async ({ args, says }) => {
    const cwd = folderWithRuns(['central', 'article']);
    const { code, stdout, stderr } = await callCli(args, { cwd });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(/Expected a file that ends in \.html; /);
    expect(stderr).toMatch(says);
    expect(readdirSync(cwd).filter((name) => name !== 'reports')).toEqual([]);
  });

  it('--html does without a history', async () => {
    const cwd = folderWithRuns(['central']);
    rmSync(join(cwd, 'reports/latest/history.ndjson'));
    const { code, stdout } = await callCli(['report', '--html'], { cwd });
    expect(code).toBe(0);
    expect(readFileSync(stdout.trim(), 'utf8')).toMatch(/"notes":\["The history of this run is missing/);
  });

  it('--open hands the page to xdg-open, and says where it is when there is none or it fails', async () => {
    const cwd = folderWithRuns(['central']);
    const bin = join(cwd, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    const path = join(cwd, 'reports/latest/report.html');
    const none = await callCli(['report', '--open'], { cwd, env: { PATH: bin } });
    expect([none.code, none.stdout]).toEqual([0, `${path}\n`]);
    expect(none.stderr).toContain(`file://${path}`);
    const opener = (text: string) => {
      writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, 'xdg-open'), 0o755);
    };
    opener(`echo "$1" > '${join(cwd, 'opened')}'`);
    const opened = await callCli(['report', '--open'], { cwd, env: { PATH: bin } });
    expect([opened.code, opened.stderr]).toEqual([0, '']);
    expect(readFileSync(join(cwd, 'opened'), 'utf8')).toBe(`${path}\n`);
    opener('exit 3');
    const failed = await callCli(['report', '--open'], { cwd, env: { PATH: bin } });
    expect([failed.code, failed.stderr.includes(`file://${path}`)]).toEqual([0, true]);
  });

  it('refuses a file that it cannot write', async () => {
    const cwd = folderWithRuns(['central']);
    const { code, stdout, stderr } = await callCli(['report', '--html', 'no/such/folder.html'], { cwd });
    expect([code, stdout]).toEqual([69, '']);
    expect(stderr).toMatch(/cannot write .*no\/such\/folder\.html/);
  });

  it('refuses --html with another format', async () => {
    const { code, stderr } = await callCli(['report', '--html', '--format', 'md'], {
      cwd: folderWithRuns(['central']),
    });
    expect(code).toBe(64);
    expect(stderr).toMatch(/cannot be used with/);
  });
});

describe('runs', { timeout: 60_000 }, () => {
  it('lists the newest first, with verdict, scenario, seed and time', async () => {
    const cwd = folderWithRuns(['central', 'article']);
    mkdirSync(join(cwd, 'reports/20261201T000000000Z-bench-9'));
    writeFileSync(join(cwd, 'reports/20261201T000000000Z-bench-9/history.ndjson'), '');
    const { code, stdout } = await callCli(['runs'], { cwd });
    expect(code).toBe(0);
    const [, , , first, second, third] = stdout.split('\n');
    expect(first).toMatch(/no report .*bench-9: there is no report: the run did not end/);
    expect(second).toMatch(
      /│ fail +│ .* │ 1 +│ 2026-11-2\d \d\d:\d\d:\d\d │ \d+ +│ reports\/20261121T000000000Z-article-1 /,
    );
    expect(third).toMatch(/│ pass +│ .*central-1 /);
  });

  it('prints JSON and nothing else', async () => {
    const cwd = folderWithRuns(['article']);
    const { stdout } = await callCli(['runs', '--json'], { cwd });
    const { format, runs } = JSON.parse(stdout);
    expect(format).toBe('openclaw-runs');
    expect(runs).toMatchObject([{ verdict: 'fail', seed: 1, hasPage: false }]);
  });

  it('escapes what a terminal would obey', async () => {
    const cwd = folderWithRuns(['central']);
    const file = join(cwd, 'reports/latest/report.json');
    const report = JSON.parse(readFileSync(file, 'utf8'));
    report.plan.scenario = '\u001b[31mred';
    writeFileSync(file, JSON.stringify(report));
    const { stdout } = await callCli(['runs'], { cwd });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('\\u001b[31mred');
  });

  it('says so where there is none', async () => {
    const { code, stdout, stderr } = await callCli(['runs'], { cwd: testFolder() });
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/no runs in reports/);
  });
});

describe('compare --html', { timeout: 60_000 }, () => {
  it('makes a page of the runs', async () => {
    const cwd = folderWithRuns(['central', 'article']);
    const { code, stdout } = await callCli(['compare', 'central-1', 'article-1', '--html'], { cwd });
    expect([code, stdout]).toEqual([0, `${join(cwd, 'comparison.html')}\n`]);
    expect(readFileSync(stdout.trim(), 'utf8')).toMatch(/"page":"comparison"/);
  });
});
