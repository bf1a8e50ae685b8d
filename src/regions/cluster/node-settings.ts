import { isInCluster, type Topology } from '../../topology/topology.ts';

/** The server settings that all nodes share, with any provider. */
export function nodeSettings(topology: Topology): Record<string, string | number> {
  const { persistence, minReplicasToWrite, minReplicasMaxLagMs } = topology;
  return {
    ...(isInCluster(topology) && clusterSettings(topology)),
    'repl-diskless-sync-delay': 0, // the default of 5 s delays when a new replica can be promoted
    'maxmemory-policy': 'noeviction',
    save: '',
    ...(minReplicasToWrite !== undefined && { 'min-replicas-to-write': minReplicasToWrite }),
    ...(minReplicasMaxLagMs !== undefined && { 'min-replicas-max-lag': minReplicasMaxLagMs / 1_000 }),
    ...(persistence === 'aof' ? { appendonly: 'yes', appendfsync: 'always' } : { appendonly: 'no' }),
  };
}

function clusterSettings({ nodeTimeoutMs }: Topology) {
  return {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-node-timeout': nodeTimeoutMs,
    'cluster-allow-replica-migration': 'no',
  };
}
