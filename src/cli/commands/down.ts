import { Command } from 'commander';
import { endCluster } from '../../regions/clusters.ts';
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
      for (const each of all ? known : [name]) {
        await endCluster(store, each);
        environment.log(
          known.includes(each) ? `cluster ${each} is down\n` : `there is no cluster called ${each}\n`,
        );
      }
    });
}
