import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';
import { fakeSwarm } from '../../support/fake-swarm.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

it('doctor --engine swarm says what is missing, as JSON too, and exits with 69', async () => {
  fakeSwarm({}, { info: '{"LocalNodeState":"inactive","ControlAvailable":false}' });
  const cwd = testFolder();
  const { code, stdout } = await callCli(['doctor', '--engine', 'swarm'], { cwd });
  expect(code).toBe(69);
  expect(stdout).toContain('this machine is in no swarm');
  expect(stdout).toContain('bench --engine swarm cannot run here yet\n');
  const json = await callCli(['doctor', '--engine', 'swarm', '--json'], { cwd });
  expect(JSON.parse(json.stdout)).toMatchObject({
    ready: false,
    checks: [
      { name: 'docker', mark: 'ok', found: '26.1.5' },
      { name: 'swarm', mark: 'missing', mend: expect.stringContaining('docker swarm init') },
    ],
  });
});

it('doctor --engine swarm names the way out if the image cannot be built', async () => {
  const status = { Status: { State: 'ready', Addr: '127.0.0.1' }, Description: { Hostname: 'm1' } };
  fakeSwarm(
    {},
    {
      info: '{"LocalNodeState":"active","ControlAvailable":true,"NodeID":"m1","NodeAddr":"127.0.0.1"}',
      nodes: JSON.stringify([{ ID: 'm1', Spec: { Availability: 'active' }, ...status }]),
    },
  );
  const env = { OPENCLAW_RL_IMAGE: '' };
  const { code, stdout } = await callCli(['doctor', '--engine', 'swarm', '--json'], {
    ...{ cwd: testFolder(), env },
  });
  expect(code).toBe(69);
  expect(JSON.parse(stdout).checks).toContainEqual({
    ...{ name: 'image', mark: 'missing', found: expect.stringContaining('no such host') },
    mend: 'export OPENCLAW_RL_IMAGE=<image that all machines have>',
  });
});

it('--clock-host that is no address of this machine is refused before the swarm is asked', async () => {
  const left = fakeSwarm({}, { info: '{"LocalNodeState":"inactive","ControlAvailable":false}' });
  const cwd = testFolder();
  const call = (host: string) => callCli(['bench', '--engine', 'swarm', '--clock-host', host], { cwd });
  const refused = await call('192.0.2.1:7070');
  expect([refused.code, refused.stderr]).toEqual([
    64,
    expect.stringContaining('--clock-host 192.0.2.1 is no address of this machine (EADDRNOTAVAIL)'),
  ]);
  const accepted = await call('127.0.0.1:7070');
  expect([accepted.code, accepted.stderr]).toEqual([69, expect.stringContaining('in no swarm')]);
  expect([left(), existsSync(join(cwd, 'reports'))]).toEqual([[], false]);
});

it('doctor --regions without --engine is refused', async () => {
  const { code, stderr } = await callCli(['doctor', '--regions', 'a,b'], { cwd: testFolder() });
  expect([code, stderr]).toEqual([64, expect.stringContaining('--regions needs --engine')]);
});
