import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli, testFolder } from '../support/cli.ts';

const SCRIPTED = join(import.meta.dirname, '../fixtures/limiters/scripted');

describe('run --limiter', { timeout: 120_000 }, () => {
  const run = async (name: string, ...more: string[]) => {
    const cwd = testFolder();
    const limiter = relative(cwd, join(SCRIPTED, name));
    const typed = ['run', 'scoreboard/hot-user', '--limiter', limiter, '--simulate', '--json', ...more];
    const { code, stdout, stderr } = await runCli(typed, { cwd });
    expect(stdout, stderr).not.toBe('');
    return { code, limiter, report: JSON.parse(stdout) as RunReport };
  };

  it('runs a scenario with another limiter, judged by its promise, and says how to do it again', async () => {
    const { code, limiter, report } = await run('atomic.mjs');
    expect(code).toBe(0);
    expect(report.strategy).toBe('plugin:atomic.mjs');
    const claims = report.plan.claims.filter(
      (claim) => !/^(contested|sides|info|failed|headroom|dropped)/.test(claim),
    );
    expect(claims).toEqual(['total-excess <= 0', 'false-denials <= 0']);
    expect(report.plan.claims).toContain('contested >= 50%');
    expect(report.command).toBe(
      `openclaw-rl run scoreboard/hot-user --limiter ${limiter} --simulate --seed 1`,
    );
  });

  it('convicts a limiter that reads and writes in two steps', async () => {
    expect((await run('racy.mjs')).code).toBe(1);
  });

  it('takes another promise, and another topology', async () => {
    const { report } = await run('atomic.mjs', '--promise', 'fixed-window:20/4s', '--topology', 'single');
    expect([report.promise, report.plan.topology.kind]).toEqual(['fixed-window:20/4s', 'single']);
    expect(report.plan.claims).toContain('windows <= 0');
  });

  it.each([
    {
      typed: ['--strategy', 'central'],
      says: /option '--limiter <file>' cannot be used with option '--strategy/,
    },
    { typed: ['--on-failure', 'open'], says: /cannot be used with option/ },
    { typed: ['--topology', 'ring'], says: /Allowed choices are cluster, single, sentinel/ },
  ])('cannot be combined with $typed', async ({ typed, says }) => {
    const { code, stderr } = await callCli(['run', 'baseline', '--limiter', './x.mjs', ...typed], {
      cwd: testFolder(),
    });
    expect([code, stderr]).toEqual([64, expect.stringMatching(says)]);
  });

  it('names the file that is no limiter', async () => {
    const { code, stderr } = await callCli(['run', 'baseline', '--limiter', './x.mjs'], {
      cwd: testFolder(),
    });
    expect([code, stderr]).toEqual([64, expect.stringMatching(/plugin:x\.mjs cannot be loaded/)]);
  });
});
