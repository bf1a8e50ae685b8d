import type { Topology } from './topology.ts';

/** What every node is told, whatever it runs in and wherever it listens. */
export function nodeSettings({ nodeTimeoutMs, persistence }: Topology): Record<string, string | number> {
  return {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-node-timeout': nodeTimeoutMs,
    'cluster-allow-replica-migration': 'no',
    'repl-diskless-sync-delay': 0, // with the default of 5 s a new replica is not promotable for that long
    'maxmemory-policy': 'noeviction',
    save: '',
    ...(persistence === 'aof' ? { appendonly: 'yes', appendfsync: 'always' } : { appendonly: 'no' }),
  };
}
