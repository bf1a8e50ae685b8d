import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { runCli, startCli, testFolder, untilSaid } from '../support/cli.ts';
import { clusterFolder, killAll, SMALL, up } from '../support/cli-cluster.ts';
import { findLeftovers, octetOf, ownedIn } from '../support/leftovers.ts';

const pidsOf = (folder: string, name: string) =>
  ownedIn(folder)
    .filter(({ cluster }) => cluster === join(folder, 'state/clusters', name))
    .map(({ pid }) => pid);

describe('an invalid state file', { timeout: 90_000 }, () => {
  it.each([
    {
      title: 'of a later version',
      spoil: (file: string) =>
        writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version: 2 })),
      why: 'has version 2; this program reads version 1',
    },
    {
      title: 'cut short',
      spoil: (file: string) => writeFileSync(file, '{"version": 1, "na'),
      why: 'is not a JSON object',
    },
    {
      title: 'that cannot be read', // tests may run as root, who may read everything but a folder
      spoil: (file: string) => {
        rmSync(file);
        mkdirSync(file);
      },
      why: 'cannot be read: EISDIR',
    },
  ])('$title leaves a running cluster alone, and every command says why', async ({ spoil, why }) => {
    const folder = clusterFolder();
    await up(folder, ...SMALL, '--name', 'kept');
    const octet = octetOf(folder, 'kept');
    const pids = pidsOf(folder, 'kept');
    expect(pids.length).toBe(3);
    const file = join(folder, 'state/clusters/kept/state.json');
    spoil(file);

    const notice = `left alone: ${file} ${why}\n`;
    const wayOut = `rm -r ${file} && openclaw-rl down --name kept`;
    for (const command of ['up', 'status', 'down']) {
      const { code, stderr } = await callCli([command, '--name', 'kept'], { cwd: folder });
      expect([code, stderr.split(why).length]).toEqual([69, 2]);
      expect(stderr).toContain(`error: ${file} ${why}\n`);
      expect(stderr).toContain(wayOut);
    }
    const doctor = await callCli(['doctor'], { cwd: folder });
    expect([doctor.code, doctor.stdout]).toEqual([0, expect.stringContaining(`${file} ${why}`)]);
    expect(doctor.stdout).toContain(wayOut);
    expect((await up(folder, ...SMALL, '--name', 'other')).stderr).toContain(notice);
    const all = await callCli(['down', '--all'], { cwd: folder });
    expect([all.code, all.stderr]).toEqual([69, expect.stringContaining('cluster other is down\n')]);
    const other = await callCli(['down', '--name', 'other'], { cwd: folder });
    expect([other.code, other.stderr]).toEqual([0, expect.stringContaining(notice)]);
    expect(pidsOf(folder, 'kept')).toEqual(pids);
    expect(pidsOf(folder, 'other')).toEqual([]);

    rmSync(file, { recursive: true });
    expect((await callCli(['down', '--name', 'kept'], { cwd: folder })).code).toBe(0);
    expect(await findLeftovers(folder, octet)).toEqual([]);
    expect(readdirSync(join(folder, 'state/clusters'))).toEqual([]);
  });

  it('does not prevent a failed up from ending its processes', async () => {
    const folder = clusterFolder();
    const { output, ended } = startCli(['up', ...SMALL], { cwd: folder });
    await untilSaid({ output }, /forming the cluster/, { timeout: 30_000, interval: 2 });
    const file = join(folder, 'state/clusters/default/state.json');
    writeFileSync(file, '[]');
    await killAll(folder, 'b-0');
    expect(await ended, output.stderr).toBe(69);
    expect(output.stderr).toContain(`error: ${file} has version undefined`);
    expect(ownedIn(folder)).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('[]');
  });

  it('can be restored, and the cluster can be used again', async () => {
    const folder = clusterFolder();
    await up(folder, ...SMALL);
    const file = join(folder, 'state/clusters/default/state.json');
    renameSync(file, `${file}.kept`);
    mkdirSync(file);
    expect((await callCli(['down'], { cwd: folder })).code).toBe(69);
    rmSync(file, { recursive: true });
    renameSync(`${file}.kept`, file);
    expect((await up(folder, ...SMALL)).stderr).toBe('cluster default was up already\n');
  });
});

describe('the state folder', { timeout: 60_000 }, () => {
  it('is the same by a relative path, a link or an absolute path', async () => {
    const folder = clusterFolder();
    symlinkSync(folder, join(folder, 'link'));
    const as = (state: string) => ({ cwd: folder, env: { OPENCLAW_RL_STATE: state } });
    const started = await runCli(['up', ...SMALL], as('state'));
    expect(started.code, started.stderr).toBe(0);
    const pids = pidsOf(folder, 'default');
    expect(pids.length).toBe(3);
    for (const spelled of ['./link/state', join(folder, 'link/state'), join(folder, 'state'), 'state/']) {
      const doctor = await callCli(['doctor', '--json'], as(spelled));
      expect(doctor.stdout, spelled).toContain('no leftovers of a killed run');
      const again = await runCli(['up', ...SMALL], as(spelled));
      expect([again.code, again.stderr], spelled).toEqual([0, 'cluster default was up already\n']);
    }
    expect(pidsOf(folder, 'default')).toEqual(pids);
    const down = await callCli(['down'], as('link/state'));
    expect(down.code).toBe(0);
    expect(down.stderr).toMatch(/^(containers were not searched: .*\n.*\n)?cluster default is down\n$/); // where Docker has no engine
    expect(ownedIn(folder)).toEqual([]);
  });

  it('may contain folders that are not clusters', async () => {
    const folder = clusterFolder();
    const stray = join(folder, 'state/clusters/Foo');
    mkdirSync(stray, { recursive: true });
    await up(folder, ...SMALL);
    const doctor = await callCli(['doctor'], { cwd: folder });
    expect([doctor.code, doctor.stderr]).toEqual([0, '']);
    const down = await callCli(['down', '--all'], { cwd: folder });
    expect(down.code).toBe(0);
    expect(down.stderr).toMatch(/^(containers were not searched: .*\n.*\n)?cluster default is down\n$/); // of Docker without an engine
    expect(readdirSync(join(folder, 'state/clusters'))).toEqual(['Foo']);
  });
});

it('a state folder is refused at once if it cannot be created', async () => {
  const { code, stderr } = await callCli(['up'], { env: { OPENCLAW_RL_STATE: '/proc/none' } });
  expect([code, stderr]).toEqual([69, expect.stringMatching(/could not be created: ENOENT/)]);
});

it('a state folder has all of its clusters ended, or one', async () => {
  const { code, stderr } = await callCli(['down', '--all', '--name', 'a'], { cwd: testFolder() });
  expect([code, stderr]).toEqual([64, expect.stringMatching(/'--all' cannot be used with option '--name/)]);
});
