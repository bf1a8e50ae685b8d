import type { Redis } from 'ioredis';
import { isInCluster } from '../../topology/topology.ts';
import type { Regions } from '../provider.ts';
import { settleSentinels } from '../sentinel/settle.ts';
import { waitFor } from '../waiting.ts';
import { parseClusterNodes, viewFingerprint } from './cluster-view.ts';
import { connectDirect } from './connect-direct.ts';
import { waitUntilWhole } from './form-cluster.ts';
import { orderFailover } from './order-failover.ts';
import { returnSlots } from './slots/return-slots.ts';

const SETTLE_MS = 60_000;

/**
 * Waits until a cluster is as planned: all nodes have the same view of ids, addresses, roles, primaries, epochs and
 * slots, and replicas are linked. Slots that moved come back, and ordered failovers return every primary to its planned
 * node; external nodes have no planned role, so they get none. One limit, `withinMs`, covers all of it but the way of the
 * slots, which ends neither at it nor at a signal: none is left half-way. Throws ENVIRONMENT_FAILED that names what is missing.
 */
export async function settle(
  regions: Pick<Regions, 'topology' | 'direct' | 'announced'>,
  signal: AbortSignal,
  withinMs = SETTLE_MS,
): Promise<void> {
  const { topology, direct } = regions;
  if (topology.sentinels.length > 0) return settleSentinels(regions, signal, withinMs);
  const clients = new Map(topology.nodes.map(({ name }) => [name, connectDirect(direct(name))]));
  const deadlineMs = performance.now() + withinMs;
  const leftMs = () => Math.max(0, deadlineMs - performance.now());
  try {
    await waitUntilWhole(topology, clients, signal, leftMs());
    if (topology.apart || !isInCluster(topology)) return;
    await returnSlots(regions);
    for (const { name, slots } of topology.nodes) {
      const client = clients.get(name);
      if (slots !== undefined && client !== undefined)
        await orderFailover(name, client, { signal, withinMs: leftMs() });
    }
    // Agreement first, then links: a demoted primary has no link to check until it knows of its demotion.
    await waitFor('every node to have the same view', leftMs(), signal, () => disagreement(clients));
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
  return other === undefined ? undefined : `the views of ${first?.name} and ${other.name} differ`;
}
