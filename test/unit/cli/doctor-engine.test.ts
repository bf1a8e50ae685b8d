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

it('doctor --regions without --engine is refused', async () => {
  const { code, stderr } = await callCli(['doctor', '--regions', 'a,b'], { cwd: testFolder() });
  expect([code, stderr]).toEqual([64, expect.stringContaining('--regions needs --engine')]);
});
