import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ClusterStore } from '../../../src/regions/store/cluster-store.ts';
import { callCli } from '../../support/call-cli.ts';
import { BIN, runCli, testFolder } from '../../support/cli.ts';
import { clustersIn, folderWith, GONE, startOwner } from '../../support/cluster-states.ts';

describe('down --all without a terminal', () => {
  it('ends clusters that stay and leftovers, leaves those that are in use, and exits with 69', async () => {
    const program = await startOwner();
    const clusters = {
      kept: {},
      used: { programs: [GONE, program] },
      'run-1': { owner: program },
      'run-2': { owner: GONE },
    };
    const cwd = folderWith(clusters);
    const { code, stdout, stderr } = await callCli(['down', '--all'], { cwd });
    expect([code, stdout, clustersIn(cwd)]).toEqual([69, '', ['run-1', 'used']]);
    expect(stderr).toContain('removed the leftovers of a killed run: run-2\n');
    expect(stderr).toContain('cluster kept is down\n');
    expect(stderr).toContain(
      `error: left alone, because a running program uses it: run-1 (pid ${program.pid}), used (pid ${program.pid})\n`,
    );
    expect(stderr).toContain('openclaw-rl down --all --yes [ENVIRONMENT_FAILED]\n');
  });

  it('ends all of them with --yes', async () => {
    const program = await startOwner();
    const cwd = folderWith({ kept: {}, used: { programs: [program] }, 'run-1': { owner: program } });
    const { code, stderr } = await callCli(['down', '--all', '--yes'], { cwd });
    expect([code, clustersIn(cwd)]).toEqual([0, []]);
    for (const name of ['kept', 'used', 'run-1']) expect(stderr).toContain(`cluster ${name} is down\n`);
  });

  it('ends a cluster whose runs have ended, or are of the same program', async () => {
    const cwd = folderWith({ kept: { programs: [GONE] }, mine: {} });
    const store = new ClusterStore(join(cwd, 'state'));
    await store.noteRun('mine', { policy: '20:5/s', prefix: 'rate:x' });
    await store.noteRun('mine', { policy: '20:5/s', prefix: 'rate:y' });
    expect((await store.read('mine'))?.programs).toMatchObject([{ pid: process.pid }]);
    expect((await callCli(['down', '--all'], { cwd })).code).toBe(0);
    expect(clustersIn(cwd)).toEqual([]);
  });

  it('says that there is none', async () => {
    const { code, stderr } = await callCli(['down', '--all'], { cwd: testFolder() });
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^(containers were not searched: .*\n.*\n)?there is no cluster\n$/),
    ]); // of Docker without an engine
  });
});

describe('down --all of a user who may not use Docker', () => {
  it('says that containers were not searched, and how they can be; exit code 0', async () => {
    const cwd = folderWith({ default: {} });
    const why =
      'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock';
    writeFileSync(join(cwd, 'docker'), `#!/bin/sh\necho '${why}' >&2\nexit 1\n`, { mode: 0o755 });
    const { code, stderr } = await runCli(['down', '--all'], {
      cwd,
      env: { PATH: `${dirname(BIN)}:${cwd}:${process.env.PATH}` },
    });
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(
        /^containers were not searched: docker \w+ \S+: permission denied .*\n {2}if regions were started as containers here: give this user access to the socket: sudo usermod .*\ncluster default is down\n$/,
      ),
    ]);
  });
});

describe('down --all in a terminal', () => {
  it.each(['', 'n', 'no', 'yesterday', 'ja'])(
    'lists what it would end; after %j all of it stays',
    async (answer) => {
      const program = await startOwner();
      const clusters = { default: {}, 'run-1': { owner: program }, 'run-2': { owner: GONE } };
      const cwd = folderWith(clusters);
      mkdirSync(join(cwd, 'state/clusters/run-3/logs'), { recursive: true });
      expect(await callCli(['down', '--all'], { cwd, answer })).toEqual({
        code: 69,
        stdout: '',
        stderr:
          'down --all ends:\n' +
          '  default  up since 2026-11-27 10:12:01 UTC\n' +
          `  run-1    IN USE by a running program (pid ${program.pid}), since 2026-11-27 10:12:01 UTC\n` +
          '  run-2    left by a killed program, since 2026-11-27 10:12:01 UTC\n' +
          '  run-3    the files of a failed start\n' +
          `End all of them? [y/N] ${answer}\n` +
          'nothing was ended\n',
      });
      expect(clustersIn(cwd)).toEqual(['default', 'run-1', 'run-2', 'run-3']);
    },
  );

  it.each(['y', 'YES', ' y '])('ends what it has listed after %j', async (answer) => {
    const program = await startOwner();
    const cwd = folderWith({ default: {}, 'run-1': { owner: program }, 'run-2': { owner: GONE } });
    const { code, stderr } = await callCli(['down', '--all'], { cwd, answer });
    expect([code, clustersIn(cwd)]).toEqual([0, []]);
    expect(stderr).toMatch(
      /removed the leftovers of a killed run: run-2\n(.*\n)*cluster default is down\ncluster run-1 is down\n$/,
    );
  });

  it.each([{ args: ['down', '--all', '--yes'] }, { args: ['down'] }])(
    'asks nothing: $args',
    async ({ args }) => {
      const cwd = folderWith({ default: {} });
      const { code, stderr } = await callCli(args, { cwd, answer: 'n' });
      expect([code, clustersIn(cwd)]).toEqual([0, []]);
      expect(stderr).not.toContain('[y/N]');
    },
  );
});

it('down --yes without --all is refused', async () => {
  const cwd = folderWith({ default: {} });
  const { code, stderr } = await callCli(['down', '--yes'], { cwd });
  expect([code, stderr, clustersIn(cwd)]).toEqual([
    64,
    expect.stringMatching(/--yes needs --all/),
    ['default'],
  ]);
});
