import { type NodeView, parseClusterNodes } from '../../regions/cluster/cluster-view.ts';
import { connectDirect } from '../../regions/cluster/connect-direct.ts';
import { announcedAddress } from '../../regions/provider.ts';
import { waitFor } from '../../regions/waiting.ts';
import { isInCluster } from '../../topology/topology.ts';
import { ask } from './ask.ts';
import type { FaultContext } from './fault.ts';

/**
 * A failover takes two to three node timeouts. After a failed election, as on a busy machine, the replica starts the
 * next one four timeouts later. After eight timeouts no takeover is expected.
 */
const PATIENCE_TIMEOUTS = 8;
const LEAST_PATIENCE_MS = 10_000;

/**
 * The nodes that can take over: the current replicas of a primary; none for a replica. If the node does not answer, as
 * when another fault holds it, those that any other node sees, since the view of one may be old; without any, the plan's.
 */
export async function findSuccessors(node: string, regions: FaultContext['regions']): Promise<string[]> {
  const { nodes } = regions.topology;
  const others = nodes.map(({ name }) => name).filter((name) => name !== node);
  const views = Promise.allSettled(others.map((asked) => replicasOf(node, asked, regions)));
  return replicasOf(node, node, regions).catch(async () => {
    const seen = (await views).flatMap((view) => (view.status === 'fulfilled' ? view.value : []));
    const planned = nodes.flatMap(({ name, replicaOf }) => (replicaOf === node ? [name] : []));
    return seen.length > 0 ? [...new Set(seen)] : planned;
  });
}

/** The replicas of a node as `asked` sees them. */
async function replicasOf(node: string, asked: string, regions: FaultContext['regions']): Promise<string[]> {
  if (!isInCluster(regions.topology)) return replicasBehindSentinels(node, asked, regions);
  const view = await ask(asked, regions, async (client) =>
    parseClusterNodes(String(await client.call('CLUSTER', 'NODES'))),
  );
  const isAt = (name: string) => (seen: NodeView) =>
    seen.address.split('@')[0] === announcedAddress(regions, name);
  const itself = view.find(asked === node ? ({ isMyself }) => isMyself : isAt(node));
  const replicas = view.filter(({ primaryId }) => primaryId !== undefined && primaryId === itself?.id);
  return regions.topology.nodes.map(({ name }) => name).filter((name) => replicas.some(isAt(name)));
}

/** Every other node, if the node is a primary. Of another, `asked` says whether that follows it. */
async function replicasBehindSentinels(
  node: string,
  asked: string,
  regions: FaultContext['regions'],
): Promise<string[]> {
  const others = regions.topology.nodes.map(({ name }) => name).filter((name) => name !== node);
  const [role, host, port] = (await ask(asked, regions, (client) => client.role())) as unknown[];
  if (asked === node) return role === 'master' ? others : [];
  return `${host}:${port}` === announcedAddress(regions, node) ? [asked] : [];
}

/** Waits until one of these is a primary, for at most eight node timeouts or 10 s, whichever is longer. */
export async function waitForTakeover(
  successors: readonly string[],
  regions: FaultContext['regions'],
): Promise<void> {
  if (successors.length === 0) return;
  const clients = successors.map((name) => connectDirect(regions.direct(name)));
  const withinMs = Math.max(LEAST_PATIENCE_MS, PATIENCE_TIMEOUTS * regions.topology.nodeTimeoutMs);
  const never = new AbortController().signal;
  try {
    await waitFor('a replica to take over', withinMs, never, async () => {
      const roles = await Promise.all(
        clients.map((client) =>
          client.role().then(
            ([role]) => role,
            () => undefined,
          ),
        ),
      );
      return roles.includes('master') ? undefined : 'none has';
    });
  } catch {
    // no takeover: the replica is dead or cut off too
  } finally {
    for (const client of clients) client.disconnect();
  }
}
