import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { bringUp } from '../../src/regions/bring-up.ts';
import { clusterStore } from '../../src/regions/store/user-clusters.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';
import { callCli } from '../support/call-cli.ts';
import { BIN, runCli, startCli, untilSaid } from '../support/cli.ts';
import { clusterFolder, killAll, SMALL, up } from '../support/cli-cluster.ts';
import { findLeftovers, octetOf, ownedIn } from '../support/leftovers.ts';

const pidsIn = (folder: string) => ownedIn(folder).map(({ pid }) => pid);

/** A cluster that was brought up while another program was at it must not have lost anything to it. */
async function expectHealthy(folder: string, pids: readonly number[]): Promise<void> {
  expect(pids.length).toBe(3);
  expect(pidsIn(folder)).toEqual(pids);
  const { code, stdout, stderr } = await callCli(['status', '--json'], { cwd: folder });
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout).nodes.map(({ clusterOk }: { clusterOk: boolean }) => clusterOk)).toEqual([
    true,
    true,
  ]);
}

describe('an up whose cluster another program ends', { timeout: 90_000 }, () => {
  const ENDED =
    'error: cluster default was ended by another program while it was being started\n' +
    `  start it again with: openclaw-rl up --name default [ENVIRONMENT_FAILED]\n`;

  it.each([{ sign: /starting 2 nodes/ }, { sign: /forming the cluster/ }])(
    'says so, exit code 69, having left nothing, at $sign',
    async ({ sign }) => {
      const folder = clusterFolder();
      const { child, output, ended } = startCli(['up', ...SMALL], { cwd: folder });
      await vi.waitUntil(() => sign.test(output.stderr), { timeout: 30_000, interval: 2 });
      child.kill('SIGSTOP');
      const octet = octetOf(folder);
      expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
      child.kill('SIGCONT');
      expect(await ended, output.stderr).toBe(69);
      expect(output.stderr).toContain(ENDED);
      expect(await findLeftovers(folder, octet)).toEqual([]);
    },
  );

  it('leaves the next cluster of that name alone', async () => {
    const folder = clusterFolder();
    const { child, output, ended } = startCli(['up', ...SMALL], { cwd: folder });
    await untilSaid({ output }, /forming the cluster/, { timeout: 30_000, interval: 2 });
    child.kill('SIGSTOP');
    expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
    await up(folder, ...SMALL);
    const pids = pidsIn(folder);
    child.kill('SIGCONT');
    expect(await ended, output.stderr).toBe(69);
    expect(output.stderr).toContain(ENDED);
    await expectHealthy(folder, pids);
  });
});

describe('two programs that end the same leftovers', { timeout: 60_000 }, () => {
  it.each([
    { title: 'a cluster whose owner is gone', hasState: true },
    { title: 'processes without a state file', hasState: false },
  ])('of which the slower one leaves alone what the faster one started: $title', async ({ hasState }) => {
    const folder = clusterFolder();
    const cluster = join(folder, 'state/clusters/default');
    mkdirSync(cluster, { recursive: true });
    if (hasState) writeFileSync(join(cluster, 'state.json'), JSON.stringify(ABANDONED));
    startStubborn(cluster);
    const slower = startCli(['doctor'], { cwd: folder });
    await vi.waitUntil(() => existsSync(join(cluster, 'asked')), { timeout: 30_000, interval: 2 });
    slower.child.kill('SIGSTOP');
    await up(folder, ...SMALL);
    const pids = pidsIn(folder);
    slower.child.kill('SIGCONT');
    expect(await slower.ended, slower.output.stderr).toBe(0);
    expect(slower.output.stdout).toMatch(/removed the leftovers of a killed run: default /);
    await expectHealthy(folder, pids);
  });

  it('after a reboot: the slower one keeps what the faster one started', async () => {
    const folder = clusterFolder();
    await up(folder, ...SMALL);
    await killAll(folder);
    let pids: number[] = [];
    const whileTheOtherIsFaster = (text: string) => {
      if (!/is no longer running/.test(text)) return;
      execFileSync(BIN, ['up', ...SMALL], { env: environmentOf(folder), stdio: 'ignore' });
      pids = pidsIn(folder);
    };
    const env = environmentOf(folder);
    const slower = bringUp(
      {
        name: 'default',
        topology: planTopology(DEFAULT_TOPOLOGY),
        lifetime: 'stays',
        seed: 1,
        provider: 'local',
      },
      {
        store: clusterStore({ env, cwd: folder }),
        env,
        self: [process.execPath, BIN],
        signal: new AbortController().signal,
        onProgress: whileTheOtherIsFaster,
      },
    );
    await expect(slower).rejects.toThrow('cluster default is being started or used by another program');
    await expectHealthy(folder, pids);
  });
});

describe('the leftovers of a killed up', { timeout: 60_000 }, () => {
  it.each([
    { command: ['doctor'], says: /removed the leftovers of a killed run: default/ },
    {
      command: ['up', '--name', 'other', ...SMALL],
      says: /removed the leftovers of a killed run: default\n/,
    },
    { command: ['down', '--name', 'other'], says: /removed the leftovers of a killed run: default\n/ },
  ])('is ended by $command', async ({ command, says }) => {
    const folder = clusterFolder();
    const { child, output, ended } = startCli(['up', ...SMALL], { cwd: folder });
    await vi.waitUntil(() => ownedIn(folder).length === 3, { timeout: 30_000, interval: 2 });
    child.kill('SIGKILL');
    expect(await ended, output.stderr).toBe('SIGKILL');
    expect(ownedIn(folder).length).toBe(3);
    const { code, stdout, stderr } = await runCli(command, { cwd: folder });
    expect([code, stdout + stderr]).toEqual([0, expect.stringMatching(says)]);
    const cluster = join(folder, 'state/clusters/default');
    expect(ownedIn(folder).filter((owned) => owned.cluster === cluster)).toEqual([]);
    expect(existsSync(cluster)).toBe(false);
  });
});

/** What a program writes that has begun a start, and was killed. */
const ABANDONED = {
  version: 1,
  name: 'default',
  startId: 'abandoned',
  provider: 'local',
  createdAt: '2026-01-01T00:00:00.000Z',
  phase: 'starting',
  owner: { pid: 1, startedAt: 'never' },
  topology: planTopology(DEFAULT_TOPOLOGY),
  provision: {
    addresses: { octet: 77, port: 7_100 },
    binary: { command: 'redis-server', product: 'redis', version: '7.0.15' },
  },
};

/** A process of that start that notes that it was asked to end, and does not. */
function startStubborn(cluster: string): void {
  const script = 'trap "touch asked" TERM; while :; do sleep 0.05; done';
  const marks = { OPENCLAW_RL_CLUSTER: cluster, OPENCLAW_RL_START: 'abandoned', OPENCLAW_RL_ROLE: 'a-0' };
  spawn('sh', ['-c', script], {
    cwd: cluster,
    env: { ...process.env, ...marks },
    detached: true,
    stdio: 'ignore',
  }).unref();
}

function environmentOf(folder: string): Record<string, string | undefined> {
  return { ...process.env, OPENCLAW_RL_STATE: join(folder, 'state') };
}
