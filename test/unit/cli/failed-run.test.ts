import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { keepError } from '../../../src/cli/runs/run-error.ts';
import { makeRunError } from '../../../src/report/run-error.ts';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';

const NAME = '20261127T120000000Z-chaos-kill-1';
const RUN = `reports/${NAME}`;
const CHECK = `openclaw-rl check ${RUN}/history.ndjson`;
const AGAIN = 'openclaw-rl chaos kill --node us-east-0 --seed 1';
const ERROR = makeRunError({
  ...{ code: 'ENVIRONMENT_FAILED', message: 'us-east-0 is gone', hint: 'look', command: AGAIN },
});

/** A folder with a run that has these files and no report. */
function folderWithRun(files: Readonly<Record<string, unknown>>): string {
  const folder = testFolder();
  mkdirSync(join(folder, RUN), { recursive: true });
  for (const [name, value] of Object.entries(files))
    writeFileSync(join(folder, RUN, name), typeof value === 'string' ? value : JSON.stringify(value));
  return folder;
}

it('`runs` shows why a run has no report, also as JSON', async () => {
  const cwd = folderWithRun({ 'plan.json': {}, 'history.ndjson': '', 'error.json': ERROR });
  const table = await callCli(['runs'], { cwd });
  expect(table.stdout).toContain('there is no report: the run failed: us-east-0 is gone');
  const json = await callCli(['runs', '--json'], { cwd });
  expect(JSON.parse(json.stdout).runs).toMatchObject([
    { folder: RUN, verdict: 'none', reason: `${RUN}: there is no report: the run failed: us-east-0 is gone` },
  ]);
});

it.each([
  {
    title: 'the check of a run whose claims allow nothing',
    files: { 'plan.json': { claims: ['total-excess <= 0', 'info <= 5%'] }, 'error.json': ERROR },
    hint: `judge what was recorded: ${CHECK}`,
  },
  {
    title: 'to run it again where the claims allow something',
    files: { 'plan.json': { claims: ['total-excess <= bound', 'replay <= 0'] }, 'error.json': ERROR },
    hint: `run it again: ${AGAIN}\n  ${CHECK} judges what was recorded as if nothing were allowed; this run claims: total-excess <= bound`,
  },
  {
    title: 'to run it again where it was killed',
    files: { 'plan.json': { claims: ['false-denials <= 3'] } },
    hint: `run it again\n  ${CHECK} judges what was recorded as if nothing were allowed; this run claims: false-denials <= 3`,
  },
  {
    title: 'the check where neither file can be read',
    files: { 'plan.json': '{"claims": "all"}', 'error.json': '{' },
    hint: `judge what was recorded: ${CHECK}`,
  },
])('`report` suggests $title', async ({ files, hint }) => {
  const cwd = folderWithRun({ 'history.ndjson': '', ...files });
  const { code, stderr } = await callCli(['report', RUN], { cwd });
  expect(code).toBe(64);
  expect(stderr).toContain(`\n  ${hint} [INVALID_REPORT]`);
});

it('`report` says why nothing was recorded', async () => {
  const cwd = folderWithRun({ 'plan.json': {}, 'error.json': ERROR });
  const { stderr } = await callCli(['report', RUN], { cwd });
  expect(stderr).toBe(
    `error: ${RUN}: there is no report: the run failed: us-east-0 is gone\n  run it again: ${AGAIN} [INVALID_REPORT]\n`,
  );
});

it('`gate` and `report` say why the newest run has no report, where no run has one', async () => {
  const cwd = folderWithRun({ 'plan.json': {}, 'error.json': ERROR });
  for (const command of ['gate', 'report']) {
    const { code, stderr } = await callCli([command], { cwd });
    expect(code).toBe(64);
    expect(stderr).toContain(`error: ${RUN}: there is no report: the run failed: us-east-0 is gone\n`);
  }
  const nothing = await callCli(['gate'], { cwd: testFolder() });
  expect(nothing.stderr).toContain('error: reports/latest: there is no such run\n');
});

describe('the error of a run', () => {
  const folder = (files: readonly string[]) => {
    const made = testFolder();
    for (const name of files) writeFileSync(join(made, name), name === 'history.ndjson' ? '{}' : '');
    mkdirSync(join(made, 'logs'));
    return made;
  };
  it.each([
    { title: 'records and logs', files: ['history.ndjson'], says: 'its records and its logs are' },
    { title: 'logs and a file without records', files: ['history.ndjson.gz'], says: 'its logs are' },
  ])('names $title', ({ files, says }) => {
    const log = vi.fn();
    const place = folder(files);
    keepError(new Error('lost'), { command: AGAIN, folder: place }, { log });
    expect(log.mock.calls).toEqual([[`the run has no report; ${says} in ${place}\n`]]);
    expect(readFileSync(join(place, 'error.json'), 'utf8')).toContain('"message": "lost"');
  });
});
