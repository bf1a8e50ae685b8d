import type { Redis } from 'ioredis';
import { parseClusterNodes, viewFingerprint } from './cluster-view.ts';
import { connectDirect, waitUntilWhole } from './form-cluster.ts';
import { orderFailover } from './order-failover.ts';
import type { Regions } from './provider.ts';
import { until } from './until.ts';

const SETTLE_MS = 60_000;

/**
 * Waits until a cluster is as it began: every node sees the same ids, addresses, roles, primaries, epochs and
 * slots; replicas are linked; and every primary is back where the topology has it, brought home by ordered
 * failovers. All of it within one limit. Throws ENVIRONMENT_FAILED with what was still missing.
 */
export async function settle(
  regions: Pick<Regions, 'topology' | 'direct'>,
  signal: AbortSignal,
  withinMs = SETTLE_MS,
): Promise<void> {
  const { topology, direct } = regions;
  const clients = new Map(topology.nodes.map(({ name }) => [name, connectDirect(direct(name))]));
  const deadlineMs = performance.now() + withinMs;
  const leftMs = () => Math.max(0, deadlineMs - performance.now());
  try {
    await waitUntilWhole(topology, clients, signal, leftMs());
    if (topology.apart) return;
    for (const { name, slots } of topology.nodes) {
      const client = clients.get(name);
      if (slots !== undefined && client !== undefined)
        await orderFailover(name, client, { signal, withinMs: leftMs() });
    }
    // First agreement, then links: a primary just demoted has no link to miss before it knows that it was.
    await until('every node to see the same', leftMs(), signal, () => disagreement(clients));
    await waitUntilWhole(topology, clients, signal, leftMs());
  } finally {
    for (const client of clients.values()) client.disconnect();
  }
}

async function disagreement(clients: ReadonlyMap<string, Redis>): Promise<string | undefined> {
  const views = await Promise.all(
    [...clients].map(async ([name, client]) => {
      const text = await client.call('CLUSTER', 'NODES').catch((error: Error) => error.message);
      return { name, fingerprint: viewFingerprint(parseClusterNodes(String(text))) };
    }),
  );
  const [first] = views;
  const other = views.find(({ fingerprint }) => fingerprint !== first?.fingerprint);
  return other === undefined ? undefined : `${first?.name} and ${other.name} see it differently`;
}
