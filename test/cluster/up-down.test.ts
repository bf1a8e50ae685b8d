import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import type { ClusterStatus } from '../../src/regions/cluster/status.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli, startCli, testFolder, untilSaid } from '../support/cli.ts';
import { clusterFolder, killAll, SMALL, up } from '../support/cli-cluster.ts';
import { findLeftovers, killDuringUp, octetOf, ownedIn } from '../support/leftovers.ts';
import { SERVERS } from '../support/server.ts';

describe('up and down', { timeout: 90_000 }, () => {
  it.each(SERVERS)(
    'with %s brings up three regions that stay, and ends them from another process',
    async (server) => {
      const folder = clusterFolder();
      const { status, stderr } = await up(folder, '--server', server);
      expect(stderr).toMatch(/cluster default is up after [\d.]+ s\n/);
      const octet = octetOf(folder);
      expect(status.nodes.map(({ role, clusterOk }) => [role, clusterOk])).toEqual([
        ...Array(3).fill(['primary', true]),
        ...Array(3).fill(['replica', true]),
      ]);
      for (const { measuredRoundTripMs = 0, configuredRoundTripMs } of status.links)
        expect(measuredRoundTripMs).toBeGreaterThanOrEqual(configuredRoundTripMs);
      const pids = ownedIn(folder).map(({ pid }) => pid);
      expect(pids.length).toBe(7);

      expect((await up(folder)).stderr).toBe('cluster default was up already\n');
      expect((await up(folder, '--replicas', '0')).stderr).toBe(
        'cluster default was up already, with other options (--replicas); to change them, first run: openclaw-rl down --name default\n',
      );
      expect(ownedIn(folder).map(({ pid }) => pid)).toEqual(pids);
      const shown = await callCli(['status', '--json'], { cwd: folder });
      expect([shown.code, JSON.parse(shown.stdout).nodes.length]).toEqual([0, 6]);
      expect((await callCli(['status'], { cwd: folder })).stdout).toMatch(/us-east-0 .*primary .*0-5461/);

      expect(await callCli(['down'], { cwd: folder })).toEqual({
        code: 0,
        stdout: '',
        stderr: 'cluster default is down\n',
      });
      expect(await findLeftovers(folder, octet)).toEqual([]);
    },
  );

  it('drops the logs of a failed start after a day', async () => {
    const folder = testFolder();
    const clusters = join(folder, 'state/clusters');
    const dayAgo = new Date(Date.now() - 25 * 3_600_000);
    for (const name of ['bench-1', 'bench-2']) mkdirSync(join(clusters, name, 'logs'), { recursive: true });
    utimesSync(join(clusters, 'bench-1'), dayAgo, dayAgo);
    await callCli(['down'], { cwd: folder });
    expect(readdirSync(clusters)).toEqual(['bench-2']);
  });

  it('ends nothing without a cluster, and says how to start one', async () => {
    const folder = testFolder();
    const down = await callCli(['down'], { cwd: folder });
    expect(down.code).toBe(0);
    expect(down.stderr).toMatch(
      /^there is no cluster called default(; containers were not searched: .*)?\n$/,
    );
    const status = await callCli(['status'], { cwd: folder });
    expect([status.code, status.stderr]).toEqual([
      69,
      'error: no cluster called default is up\n  start it with: openclaw-rl up --name default [ENVIRONMENT_FAILED]\n',
    ]);
  });

  it('runs two clusters started at the same moment, and ends only one', async () => {
    const folder = clusterFolder();
    await Promise.all([up(folder, ...SMALL, '--name', 'one'), up(folder, ...SMALL, '--name', 'two')]);
    expect(octetOf(folder, 'one')).not.toBe(octetOf(folder, 'two'));
    expect((await callCli(['down', '--name', 'one'], { cwd: folder })).code).toBe(0);
    const { code, stdout } = await callCli(['status', '--name', 'two', '--json'], { cwd: folder });
    expect([code, (JSON.parse(stdout) as ClusterStatus).nodes.map(({ role }) => role)]).toEqual([
      0,
      ['primary', 'primary'],
    ]);
    expect((await up(folder, '--name', 'two')).stderr).toBe('cluster two was up already\n');
    expect((await callCli(['down', '--all'], { cwd: folder })).stderr).toMatch(
      /^(containers were not searched: .*\n.*\n)?cluster two is down\n$/,
    );
    expect(ownedIn(folder)).toEqual([]);
  });

  it('gives concurrent programs with different state folders different addresses', async () => {
    const folders = [clusterFolder(), clusterFolder()];
    await Promise.all(folders.map((folder) => up(folder, ...SMALL)));
    expect(new Set(folders.map((folder) => octetOf(folder))).size).toBe(2);
    for (const folder of folders) expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
  });

  it.each([
    { title: 'one region', regions: 'a', replicas: 0, nodes: 1, links: 0 },
    { title: 'one region with a replica', regions: 'a', replicas: 1, nodes: 2, links: 0 },
    { title: 'five regions with two replicas each', regions: 'a,b,c,d,e', replicas: 2, nodes: 15, links: 20 },
  ])('brings up $title', async ({ regions, replicas, nodes, links }) => {
    const folder = clusterFolder();
    const { status } = await up(folder, '--regions', regions, '--replicas', String(replicas));
    expect([status.nodes.length, status.links.length]).toEqual([nodes, links]);
    expect(status.nodes.filter(({ clusterOk }) => !clusterOk)).toEqual([]);
    expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
    expect(ownedIn(folder)).toEqual([]);
  });
});

describe('what has gone wrong', { timeout: 60_000 }, () => {
  it('never reuses the addresses of a cluster whose Toxiproxy has died', async () => {
    const [one, other] = [clusterFolder(), clusterFolder()];
    await up(one, ...SMALL);
    await killAll(one, 'toxiproxy');
    await up(other, ...SMALL);
    expect(octetOf(other)).not.toBe(octetOf(one));
    for (const folder of [one, other]) expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
  });

  it('after a reboot starts the cluster again, and says so', async () => {
    const folder = clusterFolder();
    await up(folder, ...SMALL);
    await killAll(folder);
    const status = await callCli(['status'], { cwd: folder });
    expect([status.code, status.stderr]).toEqual([
      69,
      expect.stringMatching(
        /no longer running \(a reboot\?\)\n {2}start it again with: openclaw-rl up --name/,
      ),
    ]);
    expect((await up(folder, ...SMALL)).stderr).toMatch(
      /^cluster default is no longer running \(a reboot\?\): starting it again\n/,
    );
    expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
  });

  it('shows a node that has died, with the way out', async () => {
    const folder = clusterFolder();
    await up(folder, ...SMALL);
    await killAll(folder, 'b-0');
    const { code, stdout, stderr } = await callCli(['status'], { cwd: folder });
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(
        /does not answer: b-0\n.*openclaw-rl fault heal .*; or .* down .* && openclaw-rl up/,
      ),
    ]);
    expect((await runCli(['up', ...SMALL], { cwd: folder })).code).toBe(69);
    expect(stdout).toMatch(/b-0 .* down /);
    expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
    expect(ownedIn(folder)).toEqual([]);
  });

  it.each(['status', 'up'])('says in %s that the Toxiproxy has died, with the way out', async (command) => {
    const folder = clusterFolder();
    await up(folder, ...SMALL);
    await killAll(folder, 'toxiproxy');
    const { code, stderr } = await callCli([command], { cwd: folder });
    expect([code, stderr]).toEqual([
      69,
      expect.stringMatching(/Toxiproxy of cluster default is not running\n.*openclaw-rl down/),
    ]);
    expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
  });

  it('says at once which node has died while it starts, keeps the logs, and can be started again', async () => {
    const folder = clusterFolder();
    const { output, ended } = startCli(['up', ...SMALL], { cwd: folder });
    await untilSaid({ output }, /forming the cluster/, { timeout: 30_000, interval: 2 });
    await killAll(folder, 'b-0');
    expect(await ended, output.stderr).toBe(69);
    const cluster = join(folder, 'state/clusters/default');
    expect(output.stderr).toContain(`error: b-0 exited; its log ${join(cluster, 'logs/b-0.log')} ends: `);
    expect(readdirSync(cluster)).toEqual(['logs']);
    expect(output.stderr).toContain(`are kept for a day in ${join(cluster, 'logs')}\n`);
    await up(folder, ...SMALL);
    expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
  });

  it('starts again over the leftovers of a failed start of an older version', async () => {
    const folder = clusterFolder();
    const node = join(folder, 'state/clusters/default/nodes/a-0');
    mkdirSync(node, { recursive: true });
    writeFileSync(join(node, 'nodes.conf'), 'no line of a cluster');
    await up(folder, ...SMALL);
    expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
  });

  it('runs a server that is named from the current folder, and says which server and seed it has', async () => {
    const folder = clusterFolder();
    const wrapper = '#!/bin/sh\nexec redis-server "$@"\n';
    writeFileSync(join(folder, 'my-redis'), wrapper, { mode: 0o755 });
    await up(folder, ...SMALL, '--server', './my-redis');
    expect((await up(folder, ...SMALL, '--server', join(folder, 'my-redis'))).stderr).toBe(
      'cluster default was up already\n',
    );
    expect((await up(folder, ...SMALL, '--server', 'valkey-server', '--seed', '2')).stderr).toBe(
      'cluster default was up already, with other options (--seed, --server); to change them, first run: openclaw-rl down --name default\n',
    );
    expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
  });

  it('says how to get a server that is missing, having started nothing', async () => {
    const folder = testFolder();
    const { code, stderr } = await callCli(['up', '--server', 'no-such-server'], { cwd: folder });
    expect([code, stderr]).toEqual([
      69,
      expect.stringMatching(
        /no-such-server was not found\n {2}name a server that is installed, or leave out --server/,
      ),
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    { title: 'a region twice', args: ['--regions', 'a,a'], says: /different names/ },
    { title: 'ten regions', args: ['--regions', 'a,b,c,d,e,f,g,h,i,j'], says: /one to nine/ },
    { title: 'too many replicas', args: ['--replicas', '20'], says: /from 0 to 19/ },
    { title: 'a round trip without numbers', args: ['--round-trip', 'a:b'], says: /us-east:eu-west=80/ },
    { title: 'a round trip to nowhere', args: ['--round-trip', 'us-east:x=5'], says: /found us-east:x/ },
    { title: 'a short node timeout', args: ['--node-timeout', '300'], says: /at least twice the longest/ },
    { title: 'a name with a path in it', args: ['--name', '../x'], says: /a cluster name must be/ },
    { title: 'an unknown persistence', args: ['--persistence', 'rdb'], says: /none, aof/ },
    { title: 'a jitter below zero', args: ['--jitter', '-1'], says: /from 0 to 1000/ },
    { title: 'a seed that is no number', args: ['--seed', 'x'], says: /whole number/ },
    { title: 'an argument too many', args: ['x'], says: /too many arguments/ },
  ])('refuses $title with exit code 64, having started nothing', async ({ args, says }) => {
    const folder = testFolder();
    const { code, stdout, stderr } = await callCli(['up', ...args], { cwd: folder });
    expect([code, stdout, stderr]).toEqual([64, '', expect.stringMatching(says)]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('up, interrupted', { timeout: 60_000 }, () => {
  /** It takes a round trip to read a status. */
  const FAR = 'us-east:ap-south=900';
  it.each([
    { when: 'while nodes start', sign: /starting 6 nodes/, afterMs: 0 },
    { when: 'a little later', sign: /starting 6 nodes/, afterMs: 60 },
    { when: 'while the cluster forms', sign: /forming the cluster/, afterMs: 0 },
    { when: 'a second later', sign: /forming the cluster/, afterMs: 1_000 },
    { when: 'while round trips are set', sign: /setting round trips/, afterMs: 0 },
    { when: 'while its status is read', sign: /is up after/, afterMs: 0, args: ['--round-trip', FAR] },
  ])('by Ctrl-C $when ends everything and exits 130', async ({ sign, afterMs, args = [] }) => {
    const folder = clusterFolder();
    const { child, output, ended } = startCli(['up', ...args], { cwd: folder });
    await vi.waitUntil(() => sign.test(output.stderr), { timeout: 90_000, interval: 2 });
    const octet = octetOf(folder);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    child.kill('SIGINT');
    expect(await ended, output.stderr).toBe(130);
    expect(ownedIn(folder)).toEqual([]);
    expect(await findLeftovers(folder, octet)).toEqual([]);
  });

  it.each([
    { signal: 'SIGHUP', code: 129 },
    { signal: 'SIGTERM', code: 143 },
  ] as const)('by $signal ends everything and exits $code', async ({ signal, code }) => {
    const folder = clusterFolder();
    const { child, output, ended } = startCli(['up', ...SMALL], { cwd: folder });
    await vi.waitUntil(() => ownedIn(folder).length === 3, { timeout: 30_000, interval: 2 });
    const octet = octetOf(folder);
    child.kill(signal);
    expect(await ended, output.stderr).toBe(code);
    expect(await findLeftovers(folder, octet)).toEqual([]);
  });

  it('by SIGKILL at a random moment leaves nothing that down does not end', async () => {
    const random = makeRandom(1, 'up-kill in npm test');
    for (const server of [...SERVERS, SERVERS[0]]) {
      const round = await killDuringUp(clusterFolder(), server, Math.round(random() * 3_000));
      expect(round.left, JSON.stringify(round)).toEqual([]);
    }
  });
});

describe('fault', { timeout: 90_000 }, () => {
  const cuts = async (folder: string) => {
    const { stdout } = await callCli(['status', '--json'], { cwd: folder });
    return (JSON.parse(stdout) as ClusterStatus).links.filter(({ cut }) => cut !== undefined).length;
  };

  it('cuts a region off for a time, until Ctrl-C, and after a SIGKILL until `fault heal`', async () => {
    const folder = clusterFolder();
    await up(folder, '--replicas', '0');
    const partition = ['fault', 'partition', '--isolate', 'eu-west', '--mode', 'refuse'];

    const startedMs = performance.now();
    const timed = startCli([...partition, '--for', '6s'], { cwd: folder });
    await untilSaid(timed, /in force for 6 s/);
    expect(await cuts(folder)).toBe(4);
    expect(await timed.ended).toBe(0);
    expect(performance.now() - startedMs).toBeGreaterThan(6_000);
    expect(timed.output.stderr).toMatch(/healed\n$/);
    expect(await cuts(folder)).toBe(0);

    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const endless = startCli(partition, { cwd: folder });
      await untilSaid(endless, /until Ctrl-C/);
      expect(await cuts(folder)).toBe(4);
      endless.child.kill(signal);
      await endless.ended;
      expect(await cuts(folder)).toBe(signal === 'SIGINT' ? 0 : 4);
    }
    expect((await runCli(['fault', 'heal'], { cwd: folder })).stderr).toMatch(
      /primary to be back in its region\nhealed\n$/,
    );
    expect(await cuts(folder)).toBe(0);
    expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
  });

  it('says that there is no cluster to inject into', async () => {
    const { code, stderr } = await callCli(['fault', 'heal'], { cwd: testFolder() });
    expect([code, stderr]).toEqual([69, expect.stringMatching(/openclaw-rl up --name default/)]);
  });
});
