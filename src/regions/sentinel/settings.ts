import { quorumOf } from '../../topology/one-primary.ts';
import type { PlannedNode, Topology } from '../../topology/topology.ts';
import { type Endpoint, PRIMARY } from '../provider.ts';

/** How long one failover may take, as a multiple of the node timeout: then another Sentinel tries. */
const FAILOVER_TIMEOUTS = 3;
const LEAST_FAILOVER_MS = 5_000;
/**
 * Each Sentinel suspects a node so much later than the one before it. If all did so within the delay of a link, each
 * would vote for itself, none would be elected, and they would try again only after two failover timeouts.
 */
const APART_MS = 500;

/** The settings of a node that Sentinels order: it names the address at which others reach it. */
export function orderedSettings({ host, port }: Endpoint): Record<string, string | number> {
  return { 'replica-announce-ip': host, 'replica-announce-port': port, 'replica-priority': PRIORITY };
}

/** The default of the server. An ordered failover sets another for a moment. */
export const PRIORITY = 100;

/**
 * The configuration file with which a node or Sentinel first starts, by lines. Later it has what the server writes there:
 * whom it follows, or what it knows of the others.
 */
export function firstConfig(
  topology: Topology,
  node: PlannedNode,
  announced: (node: PlannedNode) => Endpoint,
): string[] {
  const { host, port } = announced(topology.nodes[0] ?? node);
  const own = announced(node);
  const order = topology.sentinels.indexOf(node);
  if (order === -1) return node.replicaOf === undefined ? [] : [`replicaof ${host} ${port}`];
  const { nodes, nodeTimeoutMs } = topology;
  const failoverMs = Math.max(LEAST_FAILOVER_MS, FAILOVER_TIMEOUTS * nodeTimeoutMs);
  return [
    `sentinel monitor ${PRIMARY} ${host} ${port} ${quorumOf(topology)}`,
    `sentinel down-after-milliseconds ${PRIMARY} ${nodeTimeoutMs + order * APART_MS}`,
    `sentinel failover-timeout ${PRIMARY} ${failoverMs}`,
    `sentinel parallel-syncs ${PRIMARY} ${Math.max(1, nodes.length - 1)}`,
    `sentinel announce-ip ${own.host}`,
    `sentinel announce-port ${own.port}`,
  ];
}
