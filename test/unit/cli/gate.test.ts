import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';

const RUNS = join(import.meta.dirname, '../../fixtures/runs');
const [CENTRAL, ARTICLE] = [join(RUNS, 'central'), join(RUNS, 'article')];
const NOT_IN_ACTIONS = { GITHUB_ACTIONS: '', GITHUB_STEP_SUMMARY: '' };

const gate = (args: readonly string[], cwd = testFolder(), env: Record<string, string> = {}) =>
  callCli(['gate', ...args], { cwd, env: { ...NOT_IN_ACTIONS, ...env } });

describe('gate', () => {
  it.each([
    { title: 'a run that keeps its claims', args: [CENTRAL], code: 0, says: /^verdict {2}pass\n {2}ok / },
    {
      title: 'one that breaks one',
      args: [ARTICLE],
      code: 1,
      says: /^verdict {2}fail\n {2}FAIL 2 buckets over-admitted; .* tokens too many\n/,
    },
    {
      title: 'evidence that is missing',
      args: [CENTRAL, '--claim', 'contested >= 100'],
      code: 2,
      says: / {2}\? 3 of 3 buckets .*claimed at least 100: 97 too few/,
    },
    {
      title: 'only speed',
      args: [CENTRAL, '--claim', 'throughput >= 900000/s', '--claim', 'p99(allowed) <= 10s'],
      code: 3,
      says: /^verdict {2}pass, but too slow\n/,
    },
    {
      title: 'a phase that never was',
      args: [CENTRAL, '--claim', 'total-excess <= 0 during kill'],
      code: 2,
      says: /\? total-excess <= 0 during kill: the run has no such phase; its phases are: whole run/,
    },
  ])('of $title: exit code $code', async ({ args, code, says }) => {
    const result = await gate(args);
    expect([result.code, result.stdout], result.stderr).toEqual([code, expect.stringMatching(says)]);
  });

  it('takes the newest run, and explains the claims that were added before it judges', async () => {
    const folder = testFolder();
    mkdirSync(join(folder, 'reports'));
    cpSync(CENTRAL, join(folder, 'reports/x-bench-1'), { recursive: true });
    symlinkSync('x-bench-1', join(folder, 'reports/latest'));
    const { code, stderr } = await gate(['--claim', 'info<=5%'], folder);
    expect([code, stderr]).toEqual([
      0,
      'info <= 5%: at most 5% of the requests have an unknown charge, over the whole run; if not, the run has too little evidence\n',
    ]);
  });

  it.each([
    {
      title: 'did not end',
      newer: '20260102T000000000Z-bench-1',
      says: /this run ended before anything was/,
    },
    { title: 'is older', newer: '20251231T000000000Z-bench-1', says: undefined },
  ])('takes no run for the newest if another that $title is beside it', async ({ newer, says }) => {
    const [folder, own] = [testFolder(), '20260101T000000000Z-bench-1'];
    mkdirSync(join(folder, 'reports'));
    cpSync(CENTRAL, join(folder, 'reports', own), { recursive: true });
    symlinkSync(own, join(folder, 'reports/latest'));
    mkdirSync(join(folder, 'reports', newer));
    writeFileSync(join(folder, 'reports', newer, 'plan.json'), '{}');
    const { code, stderr } = await gate([], folder);
    if (says === undefined) expect(code).toBe(0);
    else
      expect([code, stderr]).toEqual([
        64,
        expect.stringMatching(
          /bench-1: this run ended .*; it is newer than reports\/latest\n.*\n? *or name the/s,
        ),
      ]);
    expect((await gate([join('reports', own)], folder)).code).toBe(0);
  });

  it('explains a claim on one line, with nothing in it that a terminal obeys', async () => {
    const { stderr } = await gate([CENTRAL, '--claim', 'info <= 5% during \u001b[2J##[error]x']);
    expect(stderr).toMatch(/^info <= 5% during \\u001b\[2J\\u0023#\[error\]x: at most 5% .*\n$/);
  });

  it('in GitHub Actions appends to the step summary and prints annotations', async () => {
    const folder = testFolder();
    const summary = join(folder, 'summary.md');
    writeFileSync(summary, 'before\n');
    const { code, stdout } = await gate([ARTICLE], folder, {
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: summary,
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/\n::error title=openclaw-rl bench%3A total-excess <= 0::2 buckets over-admitted/);
    expect(readFileSync(summary, 'utf8')).toMatch(/^before\n# openclaw-rl bench: fail\n/);
    expect((await gate([ARTICLE], folder)).stdout).not.toContain('::error');
  });

  it('gives the verdict also when a file of it cannot be written, exit code 69', async () => {
    const folder = testFolder();
    const summary = join(folder, 'summary.md');
    writeFileSync(join(folder, 'file'), '');
    const { code, stdout, stderr } = await gate([ARTICLE, '--junit', 'file/gate.xml'], folder, {
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: summary,
    });
    expect([code, stdout]).toEqual([69, expect.stringMatching(/^verdict {2}fail[\s\S]*\n::error /)]);
    expect(stderr).toMatch(/cannot write file\/gate\.xml: /);
    expect(readFileSync(summary, 'utf8')).toMatch(/^# openclaw-rl bench: fail\n/);
  });

  it.each([
    {
      title: 'what is broken or unknown',
      args: [ARTICLE],
      code: 1,
      lines: [/^verdict {2}fail$/, /^ {2}FAIL 2 buckets/, /^ {2}FAIL 1732 of/, /^ {2}\? replay <= 0: /],
    },
    { title: 'nothing more of a pass', args: [CENTRAL], code: 0, lines: [/^verdict {2}pass$/] },
    {
      title: 'what is too slow',
      args: [CENTRAL, '--claim', 'throughput >= 900000/s'],
      code: 3,
      lines: [/^verdict {2}pass, but too slow$/, /^ {2}FAIL .* too few$/],
    },
  ])('with --brief prints the verdict, $title, and the folder', async ({ args, code, lines }) => {
    const result = await gate([...args, '--brief']);
    const folder = new RegExp(`^kept in {2}${args[0]}$`);
    expect(result.code).toBe(code);
    expect(result.stdout.split('\n')).toEqual(
      [...lines, folder, /^$/].map((line) => expect.stringMatching(line)),
    );
  });

  it('writes JUnit, one test case for each claim, and makes its folder', async () => {
    const folder = testFolder();
    await gate([ARTICLE, '--claim', 'max(any) <= 10s', '--junit', 'out dir/gate.xml'], folder);
    const xml = readFileSync(join(folder, 'out dir/gate.xml'), 'utf8');
    expect(xml).toMatch(
      /<testsuite name="openclaw-rl bench" .* tests="9" failures="2" errors="1" skipped="0">/,
    );
    expect(xml).toContain('<testcase classname="openclaw-rl bench" name="max(any) &lt;= 10000ms" time="0"/>');
  });

  it.each([
    {
      title: 'an invalid claim',
      args: [CENTRAL, '--claim', 'total-exces <= 0'],
      says: /did you mean total-excess\?/,
    },
    { title: 'a run that is not there', args: ['nowhere'], says: /^error: nowhere: there is no such run\n/ },
    {
      title: 'a folder without a report',
      args: ['.'],
      says: /^error: \.: this is not the folder of a run\n/,
    },
    {
      title: 'a file that is no report',
      args: [join(import.meta.dirname, '../../../package.json')],
      says: /its format must be "openclaw-report"; found undefined/,
    },
  ])('refuses $title: exit code 64', async ({ args, says }) => {
    const { code, stdout, stderr } = await gate(args);
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(says);
  });
});

describe('report', () => {
  it('says what there is of a run that did not end', async () => {
    const folder = testFolder();
    mkdirSync(join(folder, 'run'));
    writeFileSync(join(folder, 'run/plan.json'), '{}');
    const nothing = await callCli(['report', 'run'], { cwd: folder });
    expect([nothing.code, nothing.stderr]).toEqual([
      64,
      expect.stringMatching(/^error: run: this run ended before anything was recorded\n/),
    ]);
    writeFileSync(join(folder, 'run/history.ndjson'), '');
    expect((await callCli(['report', 'run'], { cwd: folder })).stderr).toMatch(
      /there is no report: the run did not end\n {2}judge what was recorded: openclaw-rl check run\/history\.ndjson/,
    );
  });

  it('is of the newest run of a name, and not of one whose name ends alike', async () => {
    const folder = testFolder();
    for (const [name, run] of [
      ['20250101T000000000Z-bench-1', ARTICLE],
      ['20260101T000000000Z-bench-1', CENTRAL],
      ['20270101T000000000Z-other-bench-1', ARTICLE],
    ] as const)
      cpSync(run, join(folder, 'reports', name), { recursive: true });
    expect((await callCli(['report', 'bench-1'], { cwd: folder })).stdout).toMatch(/^verdict {2}pass\n/);
    expect((await callCli(['report', 'bench-2'], { cwd: folder })).stderr).toMatch(/there is no such run/);
  });

  it.each([
    { format: 'table', says: /^verdict {2}fail\n/ },
    { format: 'md', says: /^# openclaw-rl bench: fail\n/ },
    { format: 'junit', says: /^<\?xml/ },
    { format: 'json', says: /^\{\n {2}"format": "openclaw-report",\n {2}"version": 3,/ },
  ])('shows a run again as $format, with the exit code of the run', async ({ format, says }) => {
    const { code, stdout, stderr } = await callCli(['report', ARTICLE, '--format', format]);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(says);
  });
});

it.each([
  'gate --json',
  'check h.ndjson --json',
  'bench --json',
  'run baseline --format md',
  'chaos kill --node us-east-0 --json',
])('%s --brief is refused', async (command) => {
  const { code, stderr } = await callCli([...command.split(' '), '--brief']);
  expect([code, stderr]).toEqual([
    64,
    expect.stringMatching(/'--brief' cannot be used with option '--(json|format <format>)'/),
  ]);
});

it.each(['gate', 'bench', 'chaos partition'])(
  'the help of %s says what a claim on correctness brings, of a target too',
  async (command) => {
    const { stdout } = await callCli([...command.split(' '), '--help']);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'contested >= 1, sides >= 100% (where there are several), exercised >= 100% (where the load asks anything), info <= 50%, failed <= 90% and headroom <= 50% (headroom <= 25% with --target)',
    );
  },
);

describe('compare', () => {
  it('puts runs side by side', async () => {
    const { code, stdout } = await callCli(['compare', CENTRAL, ARTICLE]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/│ verdict +│ pass +│ fail +│/);
    const json = JSON.parse((await callCli(['compare', CENTRAL, ARTICLE, '--json'])).stdout);
    expect(json).toMatchObject({
      format: 'openclaw-comparison',
      runs: [{ verdict: 'pass' }, { verdict: 'fail' }],
    });
  });

  it('refuses a single run', async () => {
    expect((await callCli(['compare', CENTRAL])).code).toBe(64);
  });
});
