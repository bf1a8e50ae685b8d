import { Command } from 'commander';
import { endStart } from '../../regions/local/provider.ts';
import type { ClusterStore } from '../../regions/state.ts';
import { clusterStore, DEFAULT_CLUSTER, sweep } from '../cluster.ts';
import type { Environment } from '../environment.ts';

export function downCommand(environment: Environment): Command {
  return new Command('down')
    .description('End a cluster: its nodes, its Toxiproxy, its files. No error when there is none.')
    .option('--name <name>', 'the name of the cluster', DEFAULT_CLUSTER)
    .option('--all', 'every cluster of this user', false)
    .addHelpText('after', '\nExamples:\n  $ openclaw-rl down\n  $ openclaw-rl down --all')
    .action(async ({ name, all }: { name: string; all: boolean }) => {
      const store = clusterStore(environment);
      await sweep(environment, store);
      const known = await store.names();
      const unknown: unknown[] = [];
      for (const each of all ? known : [name]) {
        await end(store, each).then(
          () =>
            environment.log(
              known.includes(each) ? `cluster ${each} is down\n` : `there is no cluster called ${each}\n`,
            ),
          (error: unknown) => unknown.push(error),
        );
      }
      if (unknown.length > 0) throw unknown[0];
    });
}

/** Throws ENVIRONMENT_FAILED, having ended nothing, where its state file cannot be understood. */
async function end(store: ClusterStore, name: string): Promise<void> {
  const state = await store.read(name);
  if (state === undefined) await store.clear(name, { keepLogs: false });
  else await endStart(store, state);
}
