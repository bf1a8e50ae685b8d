import type { Regions } from '../provider.ts';
import { connectDirect } from './connect-direct.ts';

/**
 * `host:port` by which clients of the cluster name a node: a host name if the node prefers it. It is read from CLUSTER
 * SHARDS, since CLUSTER SLOTS leaves out a replica that has received nothing yet. Undefined if the node does not say,
 * as one before Redis 7, which announces no host names.
 */
export async function clientAddress(regions: Regions, node: string): Promise<string | undefined> {
  const at = regions.direct(node);
  const client = connectDirect(at);
  try {
    const [id, shards] = await Promise.all([
      client.call('CLUSTER', 'MYID'),
      client.call('CLUSTER', 'SHARDS'),
    ]);
    const own = list(shards)
      .flatMap((shard) => list(record(shard).nodes))
      .map(record)
      .find((each) => each.id === id);
    const port = (at.tls === undefined ? undefined : own?.['tls-port']) ?? own?.port;
    return isHost(own?.endpoint) ? `${own?.endpoint}:${port}` : undefined;
  } catch {
    return undefined;
  } finally {
    client.disconnect();
  }
}

/** Clients reach a node without a host by the address that they have. */
const isHost = (endpoint: unknown) => typeof endpoint === 'string' && !['', '?'].includes(endpoint);

const list = (reply: unknown): unknown[] => (Array.isArray(reply) ? reply : []);

/** A flat list of names and values. */
function record(reply: unknown): Record<string, unknown> {
  const flat = list(reply);
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[String(name), flat[i + 1]]] : [])));
}
