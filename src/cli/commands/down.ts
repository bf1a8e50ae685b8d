import { Command, Option } from 'commander';
import { endStart, endUnknown } from '../../regions/clusters.ts';
import type { ClusterStore } from '../../regions/state.ts';
import { clusterStore, DEFAULT_CLUSTER, sweep } from '../cluster.ts';
import type { Environment } from '../environment.ts';

export function downCommand(environment: Environment): Command {
  return new Command('down')
    .description('End a cluster: its nodes, its Toxiproxy, its files. No error when there is none.')
    .option('--name <name>', 'the name of the cluster', DEFAULT_CLUSTER)
    .addOption(new Option('--all', 'every cluster of this user').conflicts('name').default(false))
    .addHelpText('after', '\nExamples:\n  $ openclaw-rl down\n  $ openclaw-rl down --all')
    .action(async ({ name, all }: { name: string; all: boolean }) => {
      const store = clusterStore(environment);
      await sweep(environment, store, all ? [] : [name]);
      const known = await store.names();
      const failures: unknown[] = [];
      for (const each of all ? known : [name]) {
        const outcome = known.includes(each)
          ? `cluster ${each} is down`
          : `there is no cluster called ${each}`;
        await end(store, each).then(
          () => environment.log(`${outcome}\n`),
          (error: unknown) => failures.push(error),
        );
      }
      if (failures.length > 0) throw failures[0];
    });
}

/** Throws ENVIRONMENT_FAILED, having ended nothing, where its state file cannot be understood. */
async function end(store: ClusterStore, name: string): Promise<void> {
  const state = await store.read(name);
  if (state === undefined) await endUnknown(store, name);
  else await endStart(store, state);
}
