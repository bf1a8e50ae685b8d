import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BIN, runProgram, testFolder } from '../support/cli.ts';

/** In a network namespace of its own, whose loopback network is down. */
const inNamespace = (cwd: string, ...args: readonly string[]) =>
  runProgram('unshare', ['--map-root-user', '--net', BIN, ...args], { cwd });

const DOWN = 'the loopback network 127.77.0.0/16 does not work: connect ENETUNREACH';

it.each([['up'], ['bench', '--duration', '2s']])(
  '%s says that loopback is down, and starts nothing',
  async (...args) => {
    const cwd = testFolder();
    const { code, stderr } = await inNamespace(cwd, ...args);
    expect({ code, stderr }).toMatchObject({
      code: 69,
      stderr: expect.stringContaining(`error: ${DOWN}\n  ip link set lo up`),
    });
    expect(stderr).not.toContain('starting');
    expect(existsSync(join(cwd, 'state'))).toBe(false);
  },
);

it('doctor says that loopback is down', async () => {
  const { code, stdout } = await inNamespace(testFolder(), 'doctor', '--provider', 'local', '--json');
  const { checks } = JSON.parse(stdout);
  expect(code).toBe(69);
  expect(checks).toContainEqual({
    name: 'loopback',
    mark: 'missing',
    found: DOWN,
    mend: 'ip link set lo up',
  });
});
