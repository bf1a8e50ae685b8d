import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diagnose, isReady, type MachineFacts } from '../../../src/regions/local/doctor.ts';
import { installLine } from '../../../src/regions/local/server-package.ts';
import { callCli } from '../../support/call-cli.ts';
import { runCli, testFolder } from '../../support/cli.ts';

const SOUND: MachineFacts = {
  nodeVersion: 'v20.19.0',
  servers: [
    {
      command: 'redis-server',
      path: '/usr/bin/redis-server',
      probe: { command: 'redis-server', product: 'redis', version: '8.0.2' },
    },
    { command: 'valkey-server', probe: 'valkey-server was not found' },
  ],
  compiler: '/usr/bin/cc',
  stateFolder: '/state',
  openFiles: 2_200,
  sweep: { ended: [], unknown: [] },
};
const NO_SERVER = SOUND.servers.map(({ command }) => ({
  command,
  probe: `${command} was not found`,
  mend: `install one: apk add ${command}`,
}));
const { compiler: _compiler, ...BARE } = SOUND;

describe('diagnose', () => {
  it('finds a machine with one server ready', () => {
    const checks = diagnose(SOUND);
    expect(isReady(checks)).toBe(true);
    expect(checks.filter(({ mark }) => mark !== 'ok').map(({ found }) => found)).toEqual([
      'valkey-server was not found; one server is enough',
    ]);
  });

  it.each([
    { title: 'an old Node', facts: { nodeVersion: 'v20.18.3' }, name: 'Node', mend: /nvm install/ },
    {
      title: 'no server',
      facts: { servers: NO_SERVER },
      name: 'redis-server',
      mend: /^install one: apk add redis-server$/,
    },
    { title: 'another system', facts: { platformLack: 'need Linux' }, name: 'platform', mend: /on Linux/ },
    { title: 'no loopback', facts: { loopbackLack: 'EADDRNOTAVAIL' }, name: 'loopback', mend: /ip link/ },
    {
      title: 'a read-only state folder',
      facts: { stateLack: 'EROFS' },
      name: 'state folder',
      mend: /OPENCLAW_RL_STATE/,
    },
    { title: 'too few open files', facts: { openFiles: 2_199 }, name: 'open files', mend: /ulimit -n/ },
  ])('finds $title missing, and says how to mend it', ({ facts, name, mend }) => {
    const checks = diagnose({ ...SOUND, ...facts });
    expect(isReady(checks)).toBe(false);
    expect(checks.find((check) => check.mark === 'missing')).toMatchObject({
      name,
      mend: expect.stringMatching(mend),
    });
  });

  it.each([
    { title: 'no compiler', facts: BARE, names: ['C compiler'] },
    {
      title: 'something swept',
      facts: { ...SOUND, sweep: { ended: ['bench-7'], unknown: [] } },
      names: ['left behind'],
    },
    {
      title: 'a folder of reports that is read-only',
      facts: { ...SOUND, reportsLack: 'cannot write to /work/reports: EROFS' },
      names: ['reports'],
    },
    { title: 'Node 22', facts: { ...SOUND, nodeVersion: 'v22.0.0' }, names: [] },
  ])('is ready with $title', ({ facts, names }) => {
    const checks = diagnose(facts);
    expect(isReady(checks)).toBe(true);
    expect(checks.map(({ name, mark }) => (mark === 'note' ? name : ''))).toEqual(
      expect.arrayContaining(names),
    );
  });
});

describe('doctor', () => {
  it('finds this machine ready', async () => {
    const { code, stdout, stderr } = await runCli(['doctor'], { cwd: testFolder() });
    expect([code, stderr], stdout).toEqual([0, '']);
    expect(stdout).toMatch(/ok .*redis-server .*redis-server, redis \d[\s\S]*\nbench can run here\n$/);
  });

  it('prints one JSON document', async () => {
    const { code, stdout } = await callCli(['doctor', '--json'], { cwd: testFolder() });
    expect([code, JSON.parse(stdout).ready]).toEqual([0, true]);
  });

  it('says what a machine without servers lacks, exit code 69, and the line that installs it', async () => {
    const folder = testFolder();
    const options = { cwd: folder, env: { PATH: pathWithNodeOnly(folder) } };
    const line = installLine() ?? 'install redis-server, version 7 or later';
    const { code, stdout } = await runCli(['doctor'], options);
    expect(code, stdout).toBe(69);
    expect(stdout).toMatch(/MISSING .*redis-server .*not found[\s\S]*cannot run here yet\n$/);
    expect(stdout).toContain(` ${line} `);
  });

  it('says that the state folder cannot be written to, exit code 69', async () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'state'), 'a file');
    const { code, stdout } = await runCli(['doctor'], { cwd: folder });
    expect(code, stdout).toBe(69);
    expect(stdout).toMatch(/MISSING .*state folder .*cannot write to/);
  });
});

/** A PATH with a node in it and nothing else. */
function pathWithNodeOnly(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
  return bin;
}
