import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';

const CENTRAL = join(import.meta.dirname, '../../fixtures/runs/central');
const NOT_IN_ACTIONS = { GITHUB_ACTIONS: '', GITHUB_STEP_SUMMARY: '' };

const compare = (args: readonly string[], env: Record<string, string> = {}) =>
  callCli(['compare', ...args], { cwd: testFolder(), env: { ...NOT_IN_ACTIONS, ...env } });

let runs = 0;

/** Another run, whose admissions were this many times as slow. */
function slower(times: number): string {
  const folder = join(testFolder(), 'run');
  cpSync(CENTRAL, folder, { recursive: true });
  const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
  report.startedAt = new Date(runs++).toISOString();
  report.whole.latency.allowed.p99Us *= times;
  writeFileSync(join(folder, 'report.json'), JSON.stringify(report));
  return folder;
}

const P99 = ['--claim', 'p99(allowed) <= 1.5x'];

describe('compare --claim', () => {
  it.each([
    { title: 'no claim', args: () => [CENTRAL, slower(9)], code: 0, says: /^┌/ },
    {
      title: 'a run as fast as before',
      args: () => [CENTRAL, slower(1), slower(1.2), ...P99],
      code: 0,
      says: /^ {2}ok p99 of .*, 1\.20 times the median of 2 baselines /,
    },
    {
      title: 'a slower one',
      args: () => [CENTRAL, slower(1), slower(2), ...P99],
      code: 3,
      says: /^ {2}FAIL p99 of .*, 2\.00 times the median of 2 baselines /,
    },
    {
      title: 'one that was slower before',
      args: () => [slower(3), CENTRAL, ...P99],
      code: 0,
      says: /^ {2}ok p99 of .*, 0\.33 times the baseline /,
    },
    {
      title: 'nothing to compare',
      args: () => [CENTRAL, slower(2), ...P99, '--claim', 'p99(failed) <= 2x'],
      code: 2,
      says: /\n {2}\? p99\(failed\) <= 2x: no request was failed\n/,
    },
    {
      title: 'a run with itself only',
      args: () => [CENTRAL, CENTRAL, ...P99],
      code: 2,
      says: /: no other run before it has the same policy, [\s\S]*\n {2}note .* is no baseline: it is the run itself\n/,
    },
  ])('of $title: exit code $code', async ({ args, code, says }) => {
    const result = await compare(args());
    expect([result.code, result.stdout], result.stderr).toEqual([code, expect.stringMatching(says)]);
  });

  it.each([
    {
      title: 'of another version',
      text: '{"format":"openclaw-report","version":1}',
      why: /its version must be 3; found 1/,
    },
    { title: 'that is not JSON', text: '{', why: /it is not JSON: / },
  ])('leaves out a baseline with a report $title; refuses it as the run', async ({ text, why }) => {
    const old = slower(1);
    writeFileSync(join(old, 'report.json'), text);
    const { code, stdout, stderr } = await compare([old, CENTRAL, slower(1), ...P99, '--json']);
    expect(code, stderr).toBe(0);
    const { runs: compared, baselines } = JSON.parse(stdout);
    expect([compared.length, baselines.runs.length]).toEqual([2, 1]);
    expect(baselines.leftOut).toEqual([{ folder: old, why: expect.stringMatching(why) }]);
    expect((await compare([old, CENTRAL, ...P99])).stdout).toContain('note run is no baseline: it');
    for (const args of [
      [CENTRAL, old, ...P99],
      [old, CENTRAL],
    ]) {
      const refused = await compare(args);
      expect([refused.code, refused.stderr]).toEqual([64, expect.stringMatching(why)]);
    }
  });

  it('refuses a baseline that is not there', async () => {
    const { code, stderr } = await compare(['none', CENTRAL, ...P99]);
    expect([code, stderr]).toEqual([64, expect.stringContaining('none: there is no such run')]);
  });

  it('refuses an absolute claim, exit code 64, and a page', async () => {
    const absolute = await compare([CENTRAL, CENTRAL, '--claim', 'p99(allowed) <= 5s']);
    expect([absolute.code, absolute.stderr]).toEqual([64, expect.stringMatching(/a factor .* like 1\.5x/)]);
    const page = await compare([CENTRAL, CENTRAL, ...P99, '--html', 'x.html']);
    expect([page.code, page.stderr]).toEqual([
      64,
      expect.stringMatching(/--html.*cannot be used with.*--claim|--claim.*cannot be used with.*--html/),
    ]);
  });

  it('in GitHub Actions appends to the step summary and prints annotations; --json stays one document', async () => {
    const summary = join(testFolder(), 'summary.md');
    writeFileSync(summary, 'before\n');
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
    const { code, stdout } = await compare([CENTRAL, slower(2), ...P99], env);
    expect([code, stdout]).toEqual([3, expect.stringMatching(/\n::error title=openclaw-rl compare%3A p99/)]);
    expect(readFileSync(summary, 'utf8')).toMatch(/^before\n# openclaw-rl compare\n\n- \*\*broken\*\* p99 /);
    const json = await compare([CENTRAL, slower(2), ...P99, '--json'], env);
    expect(json.stderr).toMatch(/^::error /m);
    expect(JSON.parse(json.stdout).baselines).toMatchObject({
      runs: [expect.any(String)],
      leftOut: [],
      claims: [{ claim: P99[1], status: 'broken' }],
    });
  });
});
