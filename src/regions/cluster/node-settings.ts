import type { Topology } from '../../topology/topology.ts';

/** The server settings that all nodes share, with any provider. */
export function nodeSettings({ nodeTimeoutMs, persistence }: Topology): Record<string, string | number> {
  return {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-node-timeout': nodeTimeoutMs,
    'cluster-allow-replica-migration': 'no',
    'repl-diskless-sync-delay': 0, // the default of 5 s delays when a new replica can be promoted
    'maxmemory-policy': 'noeviction',
    save: '',
    ...(persistence === 'aof' ? { appendonly: 'yes', appendfsync: 'always' } : { appendonly: 'no' }),
  };
}
