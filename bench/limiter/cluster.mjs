// A cluster of one node, and decisions of `central` on it: with homes, and without.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

const STARTS_MS = 10_000;
const HOMES = {
  ...{ format: 'openclaw-homes', version: 1, regions: { a: { slots: '0-5461', nodes: [] } } },
  regionOf: () => 'a',
};

/** Starts the node; `cases` are its options of `createLimiter` by name, `watch` is a connection to it. */
export async function startCluster(binary, port) {
  const dir = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-'));
  const flags = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir };
  const own = { ...flags, 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' };
  const node = spawn(
    binary,
    Object.entries(own).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: 'ignore' },
  );
  const watch = new Redis({ port, maxRetriesPerRequest: null });
  watch.on('error', () => {});
  const redis = { urls: [`redis://127.0.0.1:${port}`], cluster: true };
  await watch.cluster('ADDSLOTSRANGE', 0, 16_383);
  for (const endMs = performance.now() + STARTS_MS; performance.now() < endMs; ) {
    if (/cluster_state:ok/.test(await watch.cluster('INFO'))) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    watch,
    cases: { 'central, in a cluster': { redis }, 'central, with homes': { redis, homes: HOMES } },
    stop() {
      watch.disconnect();
      node.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
