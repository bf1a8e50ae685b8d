import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type JobResult, runAction, userRepository } from '../support/action/run-workflow.ts';
import type { Kept } from '../support/action/stand-ins.ts';
import { BIN } from '../support/cli.ts';
import { ROOT } from '../support/readme.ts';

const RUNS = join(ROOT, 'test/fixtures/runs');
const KEY = 'openclaw-rl-linux-x64-3-main-bench';
const FIRST = `${KEY}:1-1`;

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-action-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let folders = 0;

/** A cache and artifacts of GitHub; the cache has these runs as baselines. */
function keptWith(baselines: Readonly<Record<string, object | string>> = {}): Kept {
  folders += 1;
  const kept = { cache: join(folder, `cache-${folders}`), artifacts: join(folder, `artifacts-${folders}`) };
  for (const [name, report] of Object.entries(baselines)) {
    const run = join(kept.cache, FIRST, name);
    mkdirSync(run, { recursive: true });
    writeFileSync(join(run, 'report.json'), typeof report === 'string' ? report : JSON.stringify(report));
  }
  return kept;
}

/** The report of a run that was this many times as slow; `folder` is its name. */
function reportOf(times: number, name: string, policy?: string): object {
  const report = JSON.parse(readFileSync(join(RUNS, 'central/report.json'), 'utf8'));
  report.whole.latency.allowed.p99Us *= times;
  report.folder = `/some/where/reports/${name}`;
  report.startedAt = `2026-01-${name.slice(6, 8)}T00:00:00.000Z`;
  if (policy !== undefined) report.plan.policy = policy;
  return report;
}

const named = (times: number, names: readonly string[], policy?: string) =>
  Object.fromEntries(names.map((name) => [name, reportOf(times, name, policy)]));

interface Job {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly run?: 'central' | 'article';
  readonly github?: Readonly<Record<string, unknown>>;
  readonly kept?: Kept;
  /** Of the run. */
  readonly exitCode?: number;
  readonly isSimulated?: boolean;
}

const PULL = { event_name: 'pull_request', ref: 'refs/pull/7/merge' };
const THREE = ['20260101-a', '20260102-b', '20260103-c'];

/**
 * A job whose run has ended already: what comes after `Run` is run. The run is one of the fixtures, at the place at which
 * the step leaves it.
 */
async function afterRun({
  inputs = {},
  run = 'central',
  github = {},
  kept = keptWith(),
  exitCode = 0,
  isSimulated = false,
}: Job): Promise<JobResult> {
  const workspace = userRepository({});
  const report = `reports/20261128T000000000Z-${run}`;
  cpSync(join(RUNS, run), join(workspace, report), { recursive: true });
  if (isSimulated) {
    const file = join(workspace, report, 'report.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), simulated: true }));
  }
  const done = {
    'Look at the machine': { node: '' },
    'Set up Redis': {},
    'Install openclaw-rl': { program: BIN },
    Run: { report, baselines: 'reports/baselines/main', key: KEY, 'exit-code': String(exitCode) },
  };
  const all = { baseline: 'main', tolerances: 'p99(allowed) <= 1.5x', ...inputs };
  const job = await runAction(all, { workspace, kept, github, done });
  return job;
}

/** The runs of the newest entry of the cache. */
function cached({ cache }: Kept): string[] {
  const entries = existsSync(cache) ? readdirSync(cache).filter((key) => key !== FIRST) : [];
  return entries.flatMap((key) => readdirSync(join(cache, key))).sort();
}

const NEW = '20261128T000000000Z-central';

describe('a baseline', { timeout: 120_000 }, () => {
  it('begins with the first run that passes on the default branch; only its report is kept', async () => {
    const kept = keptWith();
    const job = await afterRun({ kept });
    expect([job.conclusion, job.outputs['baseline-verdict'], cached(kept)]).toEqual([
      'success',
      'none',
      [NEW],
    ]);
    const [key = ''] = readdirSync(kept.cache);
    expect(key).toMatch(new RegExp(`^${KEY}:\\d+-1$`));
    expect(readdirSync(join(kept.cache, key, NEW))).toEqual(['report.json']);
    expect(job.log).toContain(
      '::notice title=openclaw-rl::nothing is compared yet: the baseline main has 0 of at least 3',
    );
  });

  it('of two runs is shown, and judges nothing', async () => {
    const kept = keptWith(named(0.1, THREE.slice(1)));
    const job = await afterRun({ kept, github: PULL });
    expect(job.outputs).toMatchObject({ 'exit-code': '0', verdict: 'pass', 'baseline-verdict': 'none' });
    expect(job.summary).toMatch(/\n# openclaw-rl compare\n/);
    expect(job.log).toContain('has 2 of at least 3 runs');
  });

  it.each([
    { title: 'as fast', times: 1, code: '0', verdict: 'pass', conclusion: 'success' },
    { title: 'four times as fast', times: 0.25, code: '3', verdict: 'slow', conclusion: 'failure' },
  ])(
    'of three runs that are $title: a pull request is $verdict',
    async ({ times, code, verdict, conclusion }) => {
      const kept = keptWith(named(times, THREE));
      const job = await afterRun({ kept, github: PULL });
      expect([job.outputs, job.conclusion]).toEqual([
        { verdict: 'pass', 'exit-code': code, report: `reports/${NEW}`, 'baseline-verdict': verdict },
        conclusion,
      ]);
      expect(job.log.includes('::error title=openclaw-rl compare%3A p99(allowed) <= 1.5x::')).toBe(
        verdict === 'slow',
      );
      expect(cached(kept)).toEqual([]); // a pull request moves no baseline
    },
  );

  it('is of no use for a run of another policy, which begins a new one', async () => {
    const kept = keptWith(named(0.1, THREE, '7:1/s'));
    const job = await afterRun({ kept });
    expect(job.outputs).toMatchObject({ 'exit-code': '0', 'baseline-verdict': 'none' });
    expect(job.log).toContain('20260101-a is no baseline: policy "7:1/s" instead of "20:10/s"');
    expect(cached(kept)).toEqual([NEW]);
  });

  it('has at most five runs, the newest; a slower run that passes is one of them', async () => {
    const kept = keptWith({
      ...named(0.1, [...THREE, '20260104-d', '20260105-e']),
      ...named(1, ['20260106-x'], '7:1/s'),
    });
    const job = await afterRun({ kept });
    expect(job.outputs).toMatchObject({ 'exit-code': '3', 'baseline-verdict': 'slow' });
    expect(cached(kept)).toEqual(['20260102-b', '20260103-c', '20260104-d', '20260105-e', NEW]);
  });

  it('of which one report cannot be read is without it', async () => {
    const kept = keptWith({ ...named(1, THREE), '20260104-d': '{"format":' });
    const job = await afterRun({ kept });
    expect(job.outputs, job.log).toMatchObject({ 'exit-code': '0', 'baseline-verdict': 'pass' });
    expect(job.log).toContain('::notice title=openclaw-rl::20260104-d is no baseline: it is not JSON');
    expect(cached(kept)).toEqual([...THREE, NEW]);
  });

  it('of which one run has no report is without it, with a warning', async () => {
    const kept = keptWith(named(1, [...THREE, '20260104-d']));
    rmSync(join(kept.cache, FIRST, '20260101-a/report.json'));
    const job = await afterRun({ kept });
    expect(job.outputs, job.log).toMatchObject({ 'exit-code': '0', 'baseline-verdict': 'pass' });
    expect(job.log).toContain(
      '::warning title=openclaw-rl::20260101-a is no baseline: it has no report.json',
    );
    expect(cached(kept)).toEqual(['20260102-b', '20260103-c', '20260104-d', NEW]);
  });

  it('without any report is a warning for each run, and is replaced', async () => {
    const kept = keptWith(named(1, THREE.slice(0, 2)));
    for (const run of THREE.slice(0, 2)) rmSync(join(kept.cache, FIRST, run, 'report.json'));
    const job = await afterRun({ kept });
    expect(job.outputs).toMatchObject({ 'exit-code': '0', 'baseline-verdict': 'none' });
    expect(job.log.match(/::warning title=openclaw-rl::\S+ is no baseline/g)).toHaveLength(2);
    expect(cached(kept)).toEqual([NEW]);
  });

  it('is none for a run that was simulated, which is judged as such', async () => {
    const kept = keptWith(named(1, THREE));
    const job = await afterRun({ kept, isSimulated: true });
    expect(job.outputs, job.log).toMatchObject({ verdict: 'pass', 'baseline-verdict': 'none' });
    expect(job.log).toContain('::warning title=openclaw-rl::the run was simulated: it is no evidence');
    expect(job.summary).toMatch(/^# openclaw-rl bench, simulated: pass/);
  });

  it('is not that of a scenario whose name begins with this one, and which ran later', async () => {
    const kept = keptWith(named(1, THREE));
    const other = join(kept.cache, `${KEY}-partition:2-1`, '20260104-d');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'report.json'), JSON.stringify(reportOf(1, '20260104-d', '7:1/s')));
    utimesSync(join(kept.cache, FIRST), 1, 1);
    const job = await afterRun({ kept, github: PULL });
    expect(job.outputs, job.log).toMatchObject({ 'exit-code': '0', 'baseline-verdict': 'pass' });
  });

  it('without tolerances is shown, and judges nothing', async () => {
    const job = await afterRun({ kept: keptWith(named(0.1, THREE)), inputs: { tolerances: '' } });
    expect(job.outputs).toMatchObject({ 'exit-code': '0', 'baseline-verdict': 'none' });
    expect(job.summary).toMatch(/\n# openclaw-rl compare\n/);
    expect(job.log).not.toContain('nothing is compared yet');
  });

  it('of which nothing can be measured is unknown, exit code 2', async () => {
    const inputs = { tolerances: 'p99(failed) <= 2x' };
    const job = await afterRun({ kept: keptWith(named(1, THREE)), inputs });
    expect(job.outputs).toMatchObject({ verdict: 'pass', 'exit-code': '2', 'baseline-verdict': 'unknown' });
  });

  it.each([
    { title: 'a push to another branch', github: { ref: 'refs/heads/next' }, isKept: false },
    { title: 'a pull request', github: PULL, isKept: false },
    {
      title: 'a pull request that runs in the default branch',
      github: { event_name: 'pull_request_target' },
      isKept: false,
    },
    { title: 'what follows another workflow', github: { event_name: 'workflow_run' }, isKept: false },
    { title: 'a tag', github: { ref: 'refs/tags/main' }, isKept: false },
    {
      title: 'a schedule, whose event has no repository',
      github: { event_name: 'schedule', event: {} },
      isKept: true,
    },
    { title: 'a start by hand', github: { event_name: 'workflow_dispatch' }, isKept: true },
    { title: 'a push, never', inputs: { 'keep-baseline': 'never' }, isKept: false },
    { title: 'a pull request, always', github: PULL, inputs: { 'keep-baseline': 'always' }, isKept: true },
    { title: 'a run that fails', run: 'article' as const, isKept: false },
    { title: 'a run without evidence', inputs: { claims: 'contested >= 100' }, isKept: false },
    { title: 'no name', inputs: { baseline: '' }, isKept: false },
    { title: 'a run that could not end as it should', exitCode: 69, isKept: false },
  ])('of $title is kept: $isKept', async ({ isKept, ...job }) => {
    const kept = keptWith();
    await afterRun({ ...job, kept });
    expect(cached(kept)).toHaveLength(isKept ? 1 : 0);
  });
});

describe('the exit code', { timeout: 120_000 }, () => {
  it.each([
    { title: 'that keeps its claims', claims: '', code: 0, verdict: 'pass' },
    { title: 'that gives tokens away', run: 'article' as const, claims: '', code: 1, verdict: 'fail' },
    { title: 'with too little evidence', claims: 'contested >= 100\n', code: 2, verdict: 'unknown' },
    {
      title: 'that is too slow',
      claims: '\n  p99(allowed) <= 1ms\n\n  max(any) <= 100s',
      code: 3,
      verdict: 'slow',
    },
  ])('of a run $title is $code', async ({ claims, code, verdict, ...job }) => {
    const result = await afterRun({ ...job, inputs: { claims, baseline: '' } });
    expect(result.outputs).toMatchObject({ 'exit-code': String(code), verdict, 'baseline-verdict': 'none' });
    expect(result.steps.get('End with the exit code')?.exitCode).toBe(code);
    expect(result.conclusion).toBe(code === 0 ? 'success' : 'failure');
    expect(result.log.includes('::error title=openclaw-rl bench')).toBe(code === 1 || code === 3);
    expect(result.summary).toMatch(/^# openclaw-rl bench: /);
    expect(result.steps.get('Upload the run')?.outcome).toBe('success');
  });

  it.each([
    { exitCode: 1, verdict: 'fail' },
    { exitCode: 2, verdict: 'unknown' },
    { exitCode: 130, verdict: 'none' },
  ])('of a run that ended with $exitCode stays, whatever its report says', async ({ exitCode, verdict }) => {
    const { outputs, conclusion } = await afterRun({ exitCode });
    expect([outputs['exit-code'], outputs.verdict, conclusion]).toEqual([`${exitCode}`, verdict, 'failure']);
  });

  it('of a comparison that broke is 70', async () => {
    const kept = keptWith();
    mkdirSync(kept.cache);
    writeFileSync(join(kept.cache, FIRST), 'a file where a folder was expected');
    const { outputs, steps, log } = await afterRun({ kept });
    expect(steps.get('Compare with the baseline')?.outcome, log).toBe('failure');
    expect(outputs).toMatchObject({ verdict: 'pass', 'exit-code': '70', 'baseline-verdict': 'none' });
  });
});
