import { afterEach, expect, it, vi } from 'vitest';
import { beginRemoval } from '../../../src/engines/swarm/remove.ts';
import { openSwarm } from '../../../src/engines/swarm/swarm.ts';
import { ownerText } from '../../../src/regions/processes/owner.ts';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';
import { startOwner } from '../../support/cluster-states.ts';
import { fakeSwarm } from '../../support/fake-swarm.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The start of process 1 was another. */
const GONE = ownerText({ pid: 1, startedAt: '7' });
const LEFT = { owner: GONE, manager: 'm1' };
const ELSEWHERE = { owner: GONE, manager: 'm2' };

it('down --all removes runs of killed programs, leaves those in use alone, and exits with 69', async () => {
  const program = await startOwner();
  const used = { owner: ownerText(program), manager: 'm1' };
  const left = fakeSwarm({ 'openclaw-1': LEFT, 'openclaw-2': used, 'openclaw-3': ELSEWHERE });
  const { code, stderr } = await callCli(['down', '--all'], { cwd: testFolder() });
  expect([code, left()]).toEqual([69, ['openclaw-2', 'openclaw-3']]);
  expect(stderr).toContain('run openclaw-1 is removed\n');
  expect(stderr).toContain(
    `error: left alone, because a running program uses it: openclaw-2 (pid ${program.pid}), openclaw-3 (maybe: it was started on another manager)\n`,
  );
});

it('down --all --yes removes all of them', async () => {
  const used = { owner: ownerText(await startOwner()), manager: 'm1' };
  const left = fakeSwarm({ 'openclaw-1': LEFT, 'openclaw-2': used, 'openclaw-3': ELSEWHERE });
  const { code } = await callCli(['down', '--all', '--yes'], { cwd: testFolder() });
  expect([code, left()]).toEqual([0, []]);
});

it.each([
  { answer: 'n', code: 69, remain: ['openclaw-1', 'openclaw-2'] },
  { answer: 'y', code: 0, remain: [] },
])('down --all in a terminal lists them; after $answer remain $remain', async ({ answer, code, remain }) => {
  const program = await startOwner();
  const used = { owner: ownerText(program), manager: 'm1' };
  const left = fakeSwarm({ 'openclaw-1': LEFT, 'openclaw-2': used });
  const run = await callCli(['down', '--all'], { cwd: testFolder(), answer });
  expect([run.code, left()]).toEqual([code, remain]);
  expect(run.stderr).toContain(
    'down --all ends:\n' +
      '  openclaw-1  left by a killed program, in the swarm of this machine\n' +
      `  openclaw-2  IN USE by a running program (pid ${program.pid}), in the swarm of this machine\n`,
  );
});

it('down --all on a machine that is no manager asks one question more', async () => {
  const left = fakeSwarm({ 'openclaw-1': LEFT }, { info: 'false ' });
  const { code, stderr } = await callCli(['down', '--all'], { cwd: testFolder() });
  expect([code, stderr, left()]).toEqual([0, 'there is no cluster\n', ['openclaw-1']]);
});

it('a run on an engine names what the swarm lacks', async () => {
  fakeSwarm({}, { info: '{"LocalNodeState":"inactive","ControlAvailable":false}' });
  const { signal } = new AbortController();
  const opening = openSwarm({
    name: 'openclaw-1',
    regions: ['a'],
    containers: 1,
    env: {},
    signal,
    onProgress: () => {},
  });
  await expect(opening).rejects.toMatchObject({
    code: 'ENVIRONMENT_FAILED',
    message: expect.stringContaining('this machine is in no swarm'),
    hint: expect.stringContaining('docker swarm init'),
  });
});

it('a run on an engine that is interrupted during its checks says so', async () => {
  fakeSwarm({});
  const opening = openSwarm({
    ...{ name: 'openclaw-1', regions: ['a'], containers: 1, env: {} },
    ...{ signal: AbortSignal.abort(), onProgress: () => {} },
  });
  await expect(opening).rejects.toMatchObject({ code: 'INTERRUPTED' });
});

it('a program that exits at once still begins to remove its run', async () => {
  const left = fakeSwarm({ 'openclaw-1': LEFT, 'openclaw-2': LEFT });
  beginRemoval('openclaw-1');
  await vi.waitFor(() => expect(left()).toEqual(['openclaw-2']), 30_000);
});
