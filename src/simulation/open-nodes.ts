import { isInCluster } from '../topology/topology.ts';
import { SimulatedCluster } from './nodes/simulated-cluster.ts';
import type { NodesOptions, SimulatedNodes } from './nodes/simulated-nodes.ts';
import { SimulatedOnePrimary } from './sentinel/one-primary.ts';

/** Starts the nodes of a topology, and its Sentinels. */
export function openNodes(options: NodesOptions): SimulatedNodes {
  return isInCluster(options.topology) ? new SimulatedCluster(options) : new SimulatedOnePrimary(options);
}
