import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { validateAction } from '@action-validator/core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { ACTION, ACTION_TEXT } from '../support/action/metadata.ts';
import { type JobResult, runAction, runWorkflow, userRepository } from '../support/action/run-workflow.ts';
import { BIN, runProgram } from '../support/cli.ts';
import { blocksOn, textOf, WORKFLOW_PAGE } from '../support/doc-blocks.ts';
import { ROOT } from '../support/readme.ts';
import { workflowErrors } from '../support/workflows.ts';

const [WORKFLOW = '', WITHOUT_ACTION = '', GITLAB = ''] = blocksOn(WORKFLOW_PAGE, 'yaml').map(
  ({ text }) => text,
);
const [PLUGIN = ''] = blocksOn('docs/plugins.md', 'js').map(({ text }) => text);
const SMALL = '--connections 60 --users 12 --skew 0';
const LOAD = '--rate 200 --connections 400 --users 12 --skew 0 --duration 6s';
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-action-'));
const kept = { cache: join(folder, 'cache'), artifacts: join(folder, 'artifacts') };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const outcomesOf = ({ steps }: JobResult) =>
  Object.fromEntries([...steps.values()].map(({ name, outcome }) => [name, outcome]));

describe('action.yml', () => {
  it('is valid; with a planted mistake it is not', () => {
    expect(validateAction(ACTION_TEXT).errors).toEqual([]);
    for (const [right, wrong] of [
      ['using: composite', 'using: node99'],
      ['shell: sh', 'shel: sh'],
    ] as const)
      expect(validateAction(ACTION_TEXT.replace(right, wrong)).errors).not.toEqual([]);
  });

  it('has no expression in a script, and each script that it names', () => {
    const scripts = ACTION.runs.steps.filter((step) => step.run !== undefined);
    expect(scripts.length).toBeGreaterThan(5);
    for (const { run = '', shell } of scripts) {
      expect([shell, run]).toEqual(['sh', expect.not.stringContaining('${{')]);
      const [, path = 'none'] = /"\$GITHUB_ACTION_PATH\/([^"]+)"/.exec(run) ?? [];
      expect(existsSync(join(ROOT, path)), run).toBe(true);
    }
  });

  it('has the inputs and outputs that the page describes, with their defaults', () => {
    const described = [...textOf(WORKFLOW_PAGE).matchAll(/^\| `([a-z-]+)` \| (.*) \|$/gm)];
    const names = described.map(([, name = '']) => name);
    expect(names).toEqual([...Object.keys(ACTION.inputs), ...Object.keys(ACTION.outputs)]);
    for (const [, name = '', text = ''] of described)
      for (const line of (ACTION.inputs[name]?.default ?? '').split('\n'))
        if (line !== '') expect(text, name).toContain(`\`${line}\``);
  });

  it('is used on the page by a workflow that is valid, at its version', async () => {
    expect(await workflowErrors(WORKFLOW)).toEqual([]);
    expect(await workflowErrors(WORKFLOW.replace('runs-on', 'run-on'))).not.toEqual([]);
    expect(WORKFLOW).toContain(`uses: OWNER/openclaw-rl@v${version}\n`);
    expect(await workflowErrors(WITHOUT_ACTION)).toEqual([]);
    expect(await workflowErrors(WITHOUT_ACTION.replace('runs-on', 'run-on'))).not.toEqual([]);
  });
});

describe("in a user's repository", { timeout: 300_000 }, () => {
  const files = {
    'limiter.mjs': PLUGIN,
    'package.json': JSON.stringify({ private: true, dependencies: { ioredis: '6.0.0' } }),
  };
  const workspace = userRepository(files, afterAll);
  let job: JobResult;

  /** As on the page, for a shorter time, and no lock file for `npm ci`. */
  beforeAll(async () => {
    cpSync(inject('packed').program, join(workspace, 'openclaw-rl.tgz'));
    const text = WORKFLOW.replace(SMALL, LOAD)
      .replace('npm ci', 'npm install --no-audit --no-fund')
      .replace('with:', 'with:\n          version: ./openclaw-rl.tgz');
    job = await runWorkflow(text, { workspace, kept });
  }, 900_000);

  it('the workflow of the page runs each step, judges the limiter, and keeps the run', () => {
    expect(outcomesOf(job), job.log).toEqual({
      'actions/checkout@v4': 'success',
      'npm install --no-audit --no-fund': 'success',
      'Look at the machine': 'success',
      'Set up Node.js': 'skipped', // the one on PATH will do
      'Set up Redis': 'success',
      'Install openclaw-rl': 'success',
      Run: 'success',
      Gate: 'success',
      'Fetch the baseline': 'success',
      'Compare with the baseline': 'success',
      'Keep the baseline': job.outputs.verdict === 'pass' ? 'success' : 'skipped',
      'Upload the run': 'success',
      'End with the exit code': job.conclusion,
    });
    expect(job.outputs).toMatchObject({
      report: expect.stringMatching(/^reports\/\d{8}T\d{9}Z-bench-1$/),
      'baseline-verdict': 'none',
    });
    const report = JSON.parse(readFileSync(join(workspace, job.outputs.report ?? '', 'report.json'), 'utf8'));
    expect([report.plan.strategy, report.plan.load.connections]).toEqual(['plugin:limiter.mjs', 400]);
    expect(job.summary).toMatch(/^# openclaw-rl bench: /);
    expect(job.summary).toMatch(/p99 of \d+ requests allowed was/); // a claim of the workflow
    const files = ['history.ndjson', 'report.json', 'report.html', 'gate.xml'];
    expect(readdirSync(join(kept.artifacts, 'openclaw-rl'))).toEqual(expect.arrayContaining(files));
  });

  it('the exit code is that of the verdict of the run with the claims of the workflow', () => {
    const { verdict = '', 'exit-code': code } = job.outputs;
    const [, judged = ''] = /^# openclaw-rl bench: (.*)$/m.exec(job.summary) ?? [];
    expect(verdict).toBe(judged === 'pass, but too slow' ? 'slow' : judged);
    expect(code).toBe({ pass: '0', fail: '1', unknown: '2', slow: '3' }[verdict]); // a busy machine may prove nothing
    expect(job.steps.get('End with the exit code')?.exitCode).toBe(Number(code));
    expect(job.conclusion).toBe(code === '0' ? 'success' : 'failure');
  });

  it('the script for GitLab runs, with keys that GitLab has', async () => {
    const { limiter, ...others } = parse(GITLAB);
    expect(others).toEqual({});
    const keys = ['image', 'before_script', 'script', 'allow_failure', 'artifacts'];
    expect(Object.keys(limiter)).toEqual(keys);
    expect(limiter.allow_failure).toEqual({ exit_codes: [3] });
    const lines = (limiter.script as string[]).map((line) => {
      expect(line).toMatch(/^npx openclaw-rl /);
      return line.replace('npx openclaw-rl', `"${BIN}"`).replace(SMALL, LOAD);
    });
    expect(lines[0]).toContain(` bench --limiter ./limiter.mjs ${LOAD}`);
    const { steps } = parse(WITHOUT_ACTION).jobs.limiter;
    const ours = (steps as { run?: string }[]).flatMap(({ run = '' }) =>
      run.startsWith('npx ') ? [run] : [],
    );
    expect(ours).toEqual([limiter.script[0], `${limiter.script[1]} --junit gate.xml`]); // the same, in a workflow
    const { code, stdout } = await runProgram('sh', ['-e', '-c', lines.join('\n')], { cwd: workspace });
    const verdicts = [...stdout.matchAll(/^verdict {2}(.*)$/gm)].map(([, verdict = '']) => verdict);
    expect(verdicts).toHaveLength(code === 0 ? 2 : verdicts.length);
    expect(verdicts.at(-1)).toBe(['pass', 'fail', 'unknown', 'pass, but too slow'][Number(code)]);
    expect(limiter.artifacts.reports.junit).toBe('reports/latest/junit.xml');
    expect(existsSync(join(workspace, limiter.artifacts.reports.junit))).toBe(true);
  });
});

/** The steps that set up the machine are done; the program is that of this clone. */
const SET_UP = {
  'Look at the machine': { node: '' },
  'Set up Redis': {},
  'Install openclaw-rl': { program: BIN },
};

describe('wrong inputs', { timeout: 120_000 }, () => {
  it.each([
    { inputs: { command: 'bench', scenario: 'baseline' }, says: 'command and scenario are both given' },
    { inputs: { limiter: './l.mjs', scenario: 'baseline' }, says: 'limiter has no effect on a scenario' },
    { inputs: { command: 'touch pwned' }, says: 'command must begin with bench, chaos, run; found touch' },
    { inputs: { command: '; touch pwned' }, says: 'command must begin with bench, chaos, run; found ";"' },
    { inputs: { command: "bench --policy 'x" }, says: 'command cannot be read: ' },
    {
      inputs: { command: 'bench', claims: 'total-excess <= 0\np98 <= 1s' },
      says: 'claims: error: claim "p98 <= 1s"',
    },
    { inputs: { baseline: 'x', tolerances: 'p99 <= 5s' }, says: 'tolerances: error: claim "p99 <= 5s"' },
    { inputs: { baseline: '../x' }, says: 'baseline must be a name of letters' },
    { inputs: { baseline: '..' }, says: 'baseline must be a name of letters' },
    { inputs: { baseline: 'a\nreport=pwned' }, says: 'baseline must be a name of letters' },
    { inputs: { 'keep-baseline': 'yes' }, says: 'keep-baseline must be auto, always or never' },
    { inputs: { reports: '/tmp' }, says: 'reports must be a folder in the workspace' },
    { inputs: { reports: 'a/../../b' }, says: 'reports must be a folder in the workspace' },
    { inputs: { reports: 'a\nreport=pwned' }, says: 'reports must be a folder in the workspace' },
  ])('$inputs are refused before anything runs: $says', async ({ inputs, says }) => {
    const workspace = userRepository({});
    const job = await runAction(inputs as Record<string, string>, { workspace, kept, done: SET_UP });
    expect(job.log).toContain(`::error title=openclaw-rl::${says}`);
    expect(job.outputs).toEqual({
      'exit-code': '64',
      verdict: 'none',
      report: '',
      'baseline-verdict': 'none',
    });
    expect([job.conclusion, readdirSync(workspace)]).toEqual(['failure', []]);
  });

  it.each([
    { inputs: { command: 'bench --policy "$(touch pwned)"' }, says: '$(touch pwned)' },
    { inputs: { command: "bench --policy '`touch pwned`;'\\''\"'" }, says: "`touch pwned`;'" },
    { inputs: { command: 'bench \\\n  --policy\n  $PATH' }, says: '$PATH' },
    { inputs: { command: 'bench', limiter: './$(touch pwned) "x".mjs' }, says: '$(touch pwned) \\"x\\".mjs' },
    { inputs: { command: 'bench', limiter: '--policy' }, says: '--policy' },
    { inputs: { scenario: '--version' }, says: '--version' },
    {
      inputs: { command: 'bench --help' },
      says: '::error title=openclaw-rl::bench --help --reports=reports ended without',
    },
    { inputs: { scenario: '$(touch pwned)\n::error::x##[error]y' }, says: '$(touch pwned)' },
  ])('$inputs reach the program as they are written', async ({ inputs, says }) => {
    const workspace = userRepository({});
    const job = await runAction(inputs as Record<string, string>, { workspace, kept, done: SET_UP });
    expect(job.log.replaceAll('\\"', '"')).toContain(says.replaceAll('\\"', '"'));
    expect(job.log).not.toMatch(/^::error::x|##\[error\]y/m);
    expect(job.outputs, job.log).toMatchObject({ 'exit-code': '64', verdict: 'none' });
    expect(readdirSync(workspace)).toEqual([]);
  });
});

describe('a job', { timeout: 300_000 }, () => {
  it('that is cancelled stops what it started, and keeps the run', async () => {
    const workspace = userRepository({});
    const mine = { ...kept, artifacts: join(folder, 'cancelled') };
    const command = `bench ${LOAD.replace('6s', '10min')}`;
    const cancelWhen = (log: string) => / load +\d+\/600 s/.test(log);
    const job = await runAction({ command }, { workspace, kept: mine, done: SET_UP, cancelWhen });
    expect(job.conclusion).toBe('cancelled');
    expect(job.log).toMatch(/ tear down +stopping what the run started\n/);
    expect(job.outputs).toMatchObject({ 'exit-code': '130', verdict: 'none' });
    expect(outcomesOf(job)).toMatchObject({ Gate: 'skipped', 'Upload the run': 'success' });
    expect(readdirSync(join(mine.artifacts, 'openclaw-rl'))).toContain('history.ndjson');
  });

  it('whose program cannot be installed has no verdict, exit code 69', async () => {
    const workspace = userRepository({ 'not-a-tarball.tgz': 'x' });
    const job = await runAction({ version: './not-a-tarball.tgz' }, { workspace, kept });
    expect(job.log).toContain('::error title=openclaw-rl::npm could not install openclaw-rl');
    expect(job.outputs).toEqual({
      'exit-code': '69',
      verdict: 'none',
      report: '',
      'baseline-verdict': 'none',
    });
    expect(outcomesOf(job)).toMatchObject({ Run: 'skipped', 'Upload the run': 'skipped' });
  });

  it('whose version is another package, or whose Node.js is none, is wrong usage, exit code 64', async () => {
    const workspace = userRepository({ 'package.json': '{ "name": "other", "version": "1.0.0" }' });
    const { code } = await runProgram('npm', ['pack', '--ignore-scripts'], { cwd: workspace });
    expect(code).toBe(0);
    for (const inputs of [{ version: './other-1.0.0.tgz' }, { 'node-version': '22; touch pwned' }]) {
      const job = await runAction(inputs, { workspace, kept });
      expect(job.outputs, job.log).toMatchObject({ 'exit-code': '64', verdict: 'none' });
    }
    expect(readdirSync(workspace)).not.toContain('pwned');
  });

  it('without a server, and without a package manager, says what is missing, exit code 69', async () => {
    const programs = userRepository({});
    const withheld = /^(redis|valkey)-|^(apt-get|dnf|apk|brew|sudo|docker)$/;
    for (const path of [dirname(process.execPath), '/usr/bin', '/bin'])
      for (const name of readdirSync(path))
        if (!withheld.test(name) && !existsSync(join(programs, name)))
          symlinkSync(join(path, name), join(programs, name));
    const { 'Install openclaw-rl': install } = SET_UP;
    const job = await runAction(
      { command: 'bench' },
      {
        workspace: userRepository({}),
        kept,
        env: { PATH: programs },
        done: { 'Install openclaw-rl': install },
      },
    );
    expect(job.log).toContain('setup: needed: redis-server 7 or later, or any valkey-server; found neither');
    expect(outcomesOf(job)).toMatchObject({ 'Set up Redis': 'failure', Run: 'success' }); // as it may need none
    expect(job.log).toMatch(/^error: .*redis-server/m);
    expect(job.outputs).toMatchObject({ 'exit-code': '69', verdict: 'none' });
  });

  it('on another system than Linux has none', async () => {
    const job = await runAction({}, { workspace: userRepository({}), kept, env: { RUNNER_OS: 'macOS' } });
    expect(job.log).toContain('regions need Linux; found macOS');
    expect(job.outputs).toMatchObject({ 'exit-code': '69', verdict: 'none' });
  });
});
