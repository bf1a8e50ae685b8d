import { Command, Option } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import { endStart, endUnknown, sweepAloud } from '../../regions/clusters.ts';
import type { ClusterStore } from '../../regions/store/cluster-store.ts';
import { clusterContext, DEFAULT_CLUSTER } from '../flags/cluster-flags.ts';
import type { Environment } from '../process/environment.ts';

export function downCommand(environment: Environment): Command {
  return new Command('down')
    .description('End a cluster: its nodes, its Toxiproxy, its files. No error if there is none.')
    .option('--name <name>', 'name of the cluster', DEFAULT_CLUSTER)
    .addOption(new Option('--all', 'every cluster of this user').conflicts('name').default(false))
    .addHelpText('after', '\nExamples:\n  $ openclaw-rl down\n  $ openclaw-rl down --all')
    .action(async ({ name, all }: { name: string; all: boolean }) => {
      const context = clusterContext(environment);
      const { store } = context;
      await sweepAloud(context, { requested: all ? [] : [name], unknownContainers: all });
      const known = await store.names();
      const failures: unknown[] = [];
      for (const each of all ? known : [name]) {
        const isKnown = known.includes(each);
        await end(store, each).then(
          () => environment.log(`${isKnown ? `cluster ${each} is down` : noneCalled(each)}\n`),
          (error: unknown) => {
            if (isKnown || !(error instanceof OpenclawError)) failures.push(error);
            else environment.log(`${noneCalled(each)}; containers were not searched: ${error.message}\n`);
          },
        );
      }
      if (failures.length > 0) throw failures[0];
    });
}

const noneCalled = (name: string) => `there is no cluster called ${name}`;

/** Throws ENVIRONMENT_FAILED, having ended nothing, where its state file cannot be understood. */
async function end(store: ClusterStore, name: string): Promise<void> {
  const state = await store.read(name);
  if (state === undefined) await endUnknown(store, name);
  else await endStart(store, state);
}
