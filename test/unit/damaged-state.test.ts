import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { attachCluster } from '../../src/regions/clusters.ts';
import { isAsWanted } from '../../src/regions/differences.ts';
import { API_PORT, doorPort, nodeAddress } from '../../src/regions/docker/addresses.ts';
import type { ClusterState } from '../../src/regions/store/cluster-state.ts';
import { ClusterStore } from '../../src/regions/store/cluster-store.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';

const topology = planTopology(DEFAULT_TOPOLOGY);
const common = { version: 1, name: 'c', startId: 's', createdAt: '2026-11-27T00:00:00.000Z', phase: 'up' };

const LOCAL = {
  ...common,
  ...{ provider: 'local', topology },
  owner: { pid: 1, startedAt: '1' },
  programs: [{ pid: 1, startedAt: '1' }],
  provision: {
    addresses: { octet: 77, port: 7_100 },
    binary: { command: 'redis-server', product: 'redis', version: '7.0.15' },
    ...{ seed: 1, steppableClocks: false },
  },
  lastRun: { policy: '20:5/s', prefix: 'rate:run-1' },
};

const portsOf = (region: string) =>
  topology.nodes.map((node) =>
    node.region === region ? nodeAddress(topology, node).port : doorPort(topology, node),
  );
const DOCKER = {
  ...common,
  ...{ provider: 'docker', topology },
  provision: {
    project: 'p',
    images: { redis: 'redis:8', toxiproxy: 't' },
    ports: Object.fromEntries(
      topology.regions.map((region) => [
        region,
        Object.fromEntries([API_PORT, ...portsOf(region)].map((port) => [port, 30_000])),
      ]),
    ),
  },
};

/** A store with one cluster, whose state file holds this. */
function storeWith(state: unknown, folder = testFolder()) {
  const store = new ClusterStore(join(folder, 'state'));
  mkdirSync(store.folderOf('c'), { recursive: true });
  const file = join(store.folderOf('c'), 'state.json');
  writeFileSync(file, JSON.stringify(state));
  return { store, file, folder };
}

type Path = readonly string[];

/** Every place in a document but its root; of lists the first item. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const parts = Object.entries(value);
  const inside = parts
    .slice(0, Array.isArray(value) ? 1 : parts.length)
    .flatMap(([key, part]) => pathsOf(part, [...path, key]));
  return path.length === 0 ? inside : [path, ...inside];
}

/** The document with another value at a place; `undefined` removes it. */
function damaged(document: object, path: Path, value: unknown): unknown {
  const copy: Record<string, unknown> = structuredClone(document) as Record<string, unknown>;
  const last = path.at(-1) ?? '';
  const parent = path.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, copy);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

const NONSENSE = [undefined, null, 'x', -1, 1.5, true, [], {}, [null], [{}]];

/** What commands do with a state before they reach a node. */
function use(store: ClusterStore, state: ClusterState): void {
  const regions = attachCluster(store, state);
  for (const region of regions.topology.regions) regions.view(region);
  for (const { name } of regions.topology.nodes) {
    regions.direct(name);
    regions.announced(name);
  }
  isAsWanted({ topology, seed: 1, server: 'x', provider: 'local' }, state);
}

it.each([LOCAL, DOCKER])(
  'a state file of provider $provider with nonsense in any place is understood or refused',
  async (state) => {
    const folder = testFolder();
    const { store } = storeWith(state, folder);
    use(store, (await store.read('c')) as ClusterState);
    let refused = 0;
    for (const path of pathsOf(state)) {
      for (const value of NONSENSE) {
        const { file } = storeWith(damaged(state, path, value), folder);
        const read = await store.read('c').catch((error) => error);
        const what = `${path.join('.')}: ${JSON.stringify(value)}`;
        if (read instanceof Error) {
          refused++;
          expect(read, what).toMatchObject({ code: 'ENVIRONMENT_FAILED' });
          expect(read.message, what).toContain(file);
          expect(read, what).toMatchObject({
            hint: expect.stringContaining(`rm -r ${file} && openclaw-rl down --name c`),
          });
        } else {
          try {
            use(store, read);
          } catch (error) {
            expect(error, what).toMatchObject({ code: 'ENVIRONMENT_FAILED' });
          }
        }
      }
    }
    expect(refused).toBeGreaterThan(100);
  },
);

it.each([
  { title: 'no provision', path: ['provision'], value: undefined, why: /is damaged: provision: / },
  { title: 'an empty topology', path: ['topology'], value: {}, why: /is damaged: topology\.regions: / },
  {
    title: 'nonsense in the provision',
    path: ['provision', 'addresses'],
    value: 'x',
    why: /damaged: provision\.addresses: /,
  },
  { title: 'an unknown provider', path: ['provider'], value: 'cloud', why: /is damaged: provider: / },
  {
    title: 'a node of no region',
    path: ['topology', 'nodes', '1', 'region'],
    value: 'mars',
    why: /expected one of topology\.regions/,
  },
  {
    title: 'a pid namespace that is no text',
    path: ['owner', 'pidNamespace'],
    value: 5,
    why: /owner\.pidNamespace: /,
  },
  {
    title: 'a last run without a policy',
    path: ['lastRun', 'policy'],
    value: 20,
    why: /lastRun\.policy: /,
  },
])('a state file with $title is an environment error of each command', async ({ path, value, why }) => {
  const { file, folder } = storeWith(damaged(LOCAL, path, value));
  for (const command of [['status'], ['up'], ['down'], ['inspect', 'ada'], ['fault', 'heal']]) {
    const { code, stderr } = await callCli([...command, '--name', 'c'], { cwd: folder });
    expect({ command, code, stderr }).toMatchObject({ code: 69, stderr: expect.stringMatching(why) });
    expect(stderr).toContain(`rm -r ${file} && openclaw-rl down --name c [ENVIRONMENT_FAILED]`);
  }
});
