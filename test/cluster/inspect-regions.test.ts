import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Inspected } from '../../src/cli/output/inspect-table.ts';
import { attach } from '../../src/regions/local/provider.ts';
import type { Regions } from '../../src/regions/provider.ts';
import { ClusterStore } from '../../src/regions/store/cluster-store.ts';
import { cutPairs } from '../../src/topology/pairs.ts';
import type { Topology } from '../../src/topology/topology.ts';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import { inspectJson, testFolderOfSuite } from '../support/inspect.ts';

const SOON = { timeout: 30_000 };

describe('inspect on three regions', () => {
  const ends: (() => Promise<void>)[] = [];
  afterAll(() => Promise.all(ends.map((end) => end())));

  /** By the command, as a person would: what it leaves in the state folder is what `inspect` goes by. */
  async function bringUp(folder: string, ...flags: string[]): Promise<Regions> {
    const { code, stderr } = await callCli(['up', '--name', 'test', ...flags], { cwd: folder });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const store = new ClusterStore(join(folder, 'state'));
    const state = await store.read('test');
    if (state === undefined) throw new Error('there is no state of the cluster');
    await store.noteRun('test', { policy: '20:5/s', prefix: 'rate:run-1' });
    const regions = attach(store, state);
    ends.push(() => regions.down());
    return regions;
  }

  it('shows regions by name and their round trips; isolated ones as they are', async () => {
    const folder = testFolderOfSuite();
    const { topology, links } = await bringUp(folder, '--node-timeout', '5000');
    const look = () => inspectJson(['ada', '--name', 'test'], { cwd: folder });
    const home = await vi.waitFor(async () => expectWhole(await look(), topology), SOON); // a busy machine may miss one

    await links.cut(cutPairs({ isolate: [home] }, topology), 'blackhole');
    const cut = await look();
    expect(cut.copies).toMatchObject([{ region: home, now: {} }, { now: {} }]); // read past the fault
    for (const take of cut.takes) {
      if (take.region === home) expect(['allowed', 'cluster down']).toContain(take.answer);
      else expect(take).toMatchObject({ answer: 'unreachable' });
    }

    const promoted = await vi.waitUntil(async () => {
      const inspected = await look();
      return inspected.takes.filter(({ answer }) => answer === 'allowed').length === 2 && inspected;
    }, SOON);
    if (!promoted) throw new Error('nothing was promoted');
    expect(promoted.primary?.region).not.toBe(home);
    expect(promoted.takes.find(({ region }) => region === home)).toMatchObject({ answer: 'cluster down' });
    expect(promoted.copies).toMatchObject([
      { role: 'primary', isSuperseded: false },
      { role: 'primary', isSuperseded: true, region: home, trouble: expect.stringContaining('CLUSTERDOWN') },
    ]);
  }, 120_000);

  it('asks the Sentinels of each region for its primary, also while two call themselves that', async () => {
    const folder = testFolderOfSuite();
    const { topology, links } = await bringUp(folder, '--topology', 'sentinel');
    const look = () => inspectJson(['ada', '--name', 'test'], { cwd: folder });
    const home = await vi.waitFor(async () => expectWhole(await look(), topology, 2), SOON);
    await links.cut(cutPairs({ isolate: [home] }, topology), 'blackhole');
    const { copies, takes } = await vi.waitUntil(async () => {
      const inspected = await look();
      return inspected.primary?.region !== home && inspected;
    }, SOON);
    expect(copies).toMatchObject([
      { role: 'primary', isSuperseded: false },
      { role: 'primary', isSuperseded: true, region: home },
      { role: 'replica' },
    ]);
    const nodes = takes.map((take) => [take.region === home, take.node === copies[1]?.address]);
    expect(
      nodes.every(([isHome, isOld]) => isHome === isOld),
      JSON.stringify(takes),
    ).toBe(true);
  }, 120_000);

  /** Gives the region of the primary. */
  function expectWhole(whole: Inspected, topology: Topology, replicas = 1): string {
    const home = whole.primary?.region ?? '';
    expect(whole).toMatchObject({
      cluster: 'cluster test',
      policy: { text: '20:5/s', from: 'last run' },
      prefix: { text: 'rate:run-1', from: 'last run' },
      copies: [{ role: 'primary', region: home }, ...Array(replicas).fill({ role: 'replica' })],
      takes: topology.regions.map((region) => ({ region, answer: 'allowed', remainingTokens: 19 })),
    });
    const trips = whole.takes.map((take) => ({ ...take, ms: 'roundTripMs' in take ? take.roundTripMs : -1 }));
    const farMs = trips.filter(({ region }) => region !== home).map(({ ms }) => ms);
    expect(Math.min(...farMs)).toBeGreaterThan(75); // 80 and more there and back
    expect(trips.find(({ region }) => region === home)?.ms).toBeLessThan(Math.min(...farMs));
    return home;
  }
});

describe('inspect, asked wrongly', () => {
  it.each([
    {
      title: 'a password on the command line',
      args: ['ada', '--cluster', 'redis://u:hunter2@h:1'],
      says: /REDIS_PASSWORD/,
    },
    { title: 'an address that is none', args: ['ada', '--cluster', 'http://h'], says: /redis\[s\]:/ },
    {
      title: 'both a name and an address',
      args: ['ada', '--name', 'x', '--cluster', 'redis://h'],
      says: /cannot be used with/,
    },
    { title: 'a policy that is none', args: ['ada', '--policy', '20'], says: /capacity:rate/ },
    { title: 'a prefix with a tag', args: ['ada', '--prefix', '{x}'], says: /key prefix/ },
    {
      title: 'a user with a control character',
      args: ['a\u001bb', '--cluster', 'redis://127.0.0.1:1'],
      says: /control characters/,
    },
    {
      title: 'an authority without TLS',
      args: ['ada', '--cluster', 'redis://h', '--ca', 'x'],
      says: /rediss:/,
    },
    { title: 'no user', args: [], says: /missing required argument/ },
  ])('refuses $title', async ({ args, says }) => {
    const { code, stdout, stderr } = await callCli(['inspect', ...args]);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(says);
    for (const secret of ['hunter2', '\u001b']) expect(stderr).not.toContain(secret);
  });

  it.each([
    { title: 'no cluster of that name', args: ['--name', 'absent'], says: /openclaw-rl up --name absent/ },
    {
      title: 'no server at that address',
      args: ['--cluster', 'redis://127.0.0.1:1'],
      says: /ECONNREFUSED.*check that Redis/s,
    },
  ])('gives a way out where there is $title', async ({ args, says }) => {
    const { code, stderr } = await callCli(['inspect', 'ada', ...args], { cwd: testFolder() });
    expect(code).toBe(69);
    expect(stderr).toMatch(says);
  });
});
