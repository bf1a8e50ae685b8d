import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';

const CENTRAL = join(import.meta.dirname, '../../fixtures/runs/central');
const NAME = '20261128T162414918Z-chaos-partition-1';
const env = { GITHUB_ACTIONS: '', GITHUB_STEP_SUMMARY: '' };

describe('a run is found by', () => {
  const folderWithRun = () => {
    const cwd = testFolder();
    mkdirSync(join(cwd, 'reports'));
    cpSync(CENTRAL, join(cwd, 'reports', NAME), { recursive: true });
    return cwd;
  };

  it.each([NAME, `reports/${NAME}`, 'chaos-partition-1'])('%s', async (name) => {
    const { code, stderr } = await callCli(['gate', name], { cwd: folderWithRun(), env });
    expect([code, stderr]).toEqual([0, '']);
  });

  it.each(['partition-1', 'T162414918Z-chaos-partition-1'])('no part of its name: %s', async (name) => {
    const { code, stderr } = await callCli(['gate', name], { cwd: folderWithRun(), env });
    expect([code, stderr]).toEqual([64, expect.stringContaining(`${name}: there is no such run`)]);
  });
});

it.each([['runs'], ['report'], ['gate'], ['verify'], ['compare', 'a', 'b']])(
  'where reports is a file, `%s` says so, exit code 64',
  async (...args) => {
    const cwd = testFolder();
    writeFileSync(join(cwd, 'reports'), '');
    const { code, stderr } = await callCli(args, { cwd, env });
    expect([code, stderr]).toEqual([64, expect.stringMatching(/reports: ENOTDIR: not a directory/)]);
    expect(stderr).not.toContain('this is a bug');
  },
);
