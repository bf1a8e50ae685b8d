import { createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createLocalProvider } from '../../src/regions/local/provider.ts';
import { findServer } from '../../src/regions/local/server-binary.ts';
import type { ClusterStore } from '../../src/regions/store/cluster-store.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';
import { BIN } from '../support/cli.ts';
import { startTestRegions } from '../support/test-regions.ts';

/** Clusters of other tests take the first octet that is free, and never come as far as the last. */
const LAST_OCTET = 126;
const FIRST_PORT = 7_100;

const SMALL = { regions: ['a', 'b'], replicas: 0 };

it('a cluster uses other ports if another program listens on its own', async () => {
  await listen(`127.${LAST_OCTET}.1.1`, FIRST_PORT);
  const { regions, stop } = await startOnLastOctet();
  onTestFinished(stop);
  expect(regions.topology.nodes.map(({ name }) => regions.announced(name))).toEqual([
    { host: `127.${LAST_OCTET}.1.1`, port: 7_200 },
    { host: `127.${LAST_OCTET}.2.1`, port: 7_200 },
  ]);
}, 60_000);

/** A cluster in a state folder whose other clusters have every octet but the last. */
async function startOnLastOctet() {
  const binary = await findServer('redis-server');
  return startTestRegions((store) => {
    const local = createLocalProvider({ store, binary, self: [process.execPath, BIN], seed: 1 });
    return {
      ...local,
      async up(options) {
        for (let octet = 77; octet < LAST_OCTET; octet++) await takeOctet(store, octet);
        return local.up(options);
      },
    };
  }, SMALL);
}

async function takeOctet(store: ClusterStore, octet: number): Promise<void> {
  await store.create({
    ...{ version: 1, name: `on-${octet}`, startId: '', provider: 'local', phase: 'up' },
    ...{ createdAt: '', topology: planTopology({ ...DEFAULT_TOPOLOGY, ...SMALL }) },
    provision: {
      addresses: { octet, port: FIRST_PORT },
      binary: { command: 'redis-server', product: 'redis', version: '7.0.15' },
    },
  });
}

async function listen(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  onTestFinished(() => {
    server.close();
  });
}
