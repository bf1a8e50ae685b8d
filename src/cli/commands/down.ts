import { Command, Option } from 'commander';
import { environmentFailed, invalidOption, OpenclawError } from '../../core/errors.ts';
import { removeStack } from '../../engines/swarm/remove.ts';
import { type FoundStack, findStacks } from '../../engines/swarm/stacks.ts';
import { endStart, endUnknown, sweepAloud } from '../../regions/clusters.ts';
import { type FoundCluster, findClusters } from '../../regions/find-clusters.ts';
import type { ClusterState } from '../../regions/store/cluster-state.ts';
import type { ClusterStore } from '../../regions/store/cluster-store.ts';
import { clusterContext, DEFAULT_CLUSTER } from '../flags/cluster-flags.ts';
import { listClusters, listStacks, namePrograms, nameUser } from '../output/cluster-list.ts';
import { isYes } from '../process/ask.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';
import { reportError } from '../process/report-error.ts';

interface Flags {
  readonly name: string;
  readonly all: boolean;
  readonly yes: boolean;
}

export function downCommand(environment: Environment): Command {
  return new Command('down')
    .description('End a cluster: its nodes, its Toxiproxy, its files. No error if there is none.')
    .option('--name <name>', 'name of the cluster', DEFAULT_CLUSTER)
    .addOption(
      new Option('--all', 'every cluster of this user; on a manager of a swarm every run of --engine, too')
        .conflicts('name')
        .default(false),
    )
    .option('--yes', 'with --all: do not ask, and end clusters that are in use too', false)
    .addHelpText('after', NOTES)
    .action(async ({ name, all, yes }: Flags) => {
      if (all) return downAll(environment, yes);
      if (yes)
        throw invalidOption('--yes needs --all', 'remove it: down ends one cluster without a question');
      return downOne(environment, name);
    });
}

const NOTES = `
--all asks in a terminal. Without one it leaves clusters alone that a running
program uses, names them, and exits with 69.

Examples:
  $ openclaw-rl down
  $ openclaw-rl down --all
  $ openclaw-rl down --all --yes`;

async function downOne(environment: Environment, name: string): Promise<void> {
  const context = clusterContext(environment);
  const { store } = context;
  await sweepAloud(context, { requested: [name], unknownContainers: false });
  const isKnown = (await store.names()).includes(name);
  const none = `there is no cluster called ${name}`;
  try {
    await end(store, name, await store.read(name));
    environment.log(`${isKnown ? `cluster ${name} is down` : none}\n`);
  } catch (error) {
    if (isKnown || !(error instanceof OpenclawError)) throw error;
    environment.log(`${none}; containers were not searched: ${error.message}\n`);
  }
}

async function downAll(environment: Environment, isSure: boolean): Promise<void> {
  const context = clusterContext(environment);
  const { store } = context;
  const fail = (error: unknown) => environment.setExitCode(reportError(error, environment));
  const before = await findClusters(store);
  const stacks = await findStacks().catch((error: unknown) => {
    fail(error);
    return [];
  });
  const isAsked = !isSure && environment.ask !== undefined && before.length + stacks.length > 0;
  if (isAsked && !(await confirm(before, stacks, environment))) {
    environment.log('nothing was ended\n');
    environment.setExitCode(EXIT.environment);
    return;
  }
  await sweepAloud(context, { requested: before.map(({ name }) => name), unknownContainers: true });
  const listed = isAsked ? before : await findClusters(store);
  const still = new Set(await store.names());
  const isSpared = (isUsed: boolean) => !isAsked && !isSure && isUsed;
  const spared = listed.filter(({ programs }) => isSpared(programs.length > 0));
  for (const cluster of listed) {
    const { name, state, invalid } = cluster;
    if (!still.has(name) || spared.includes(cluster)) continue;
    const ended = invalid === undefined ? end(store, name, state) : Promise.reject(invalid);
    await ended.then(() => environment.log(`cluster ${name} is down\n`), fail);
  }
  const sparedStacks = stacks.filter(({ program }) => isSpared(program !== 'ended'));
  for (const stack of stacks) {
    if (sparedStacks.includes(stack)) continue;
    await removeStack(stack.name).then(() => environment.log(`run ${stack.name} is removed\n`), fail);
  }
  if (listed.length + stacks.length === 0) environment.log('there is no cluster\n');
  if (spared.length + sparedStacks.length > 0) fail(leftAlone(spared, sparedStacks));
}

async function confirm(
  clusters: readonly FoundCluster[],
  stacks: readonly FoundStack[],
  environment: Environment,
): Promise<boolean> {
  environment.log(`down --all ends:\n${listClusters(clusters)}${listStacks(stacks)}`);
  return isYes(await environment.ask?.('End all of them? [y/N] '));
}

function leftAlone(clusters: readonly FoundCluster[], stacks: readonly FoundStack[]): OpenclawError {
  const names = [
    ...clusters.map((cluster) => `${cluster.name} (${namePrograms(cluster)})`),
    ...stacks.map((stack) => `${stack.name} (${nameUser(stack)})`),
  ];
  return environmentFailed(
    `left alone, because a running program uses it: ${names.join(', ')}`,
    'wait until the program ends, or end its cluster too: openclaw-rl down --all --yes',
  );
}

/** Ends the start that was found; of a name without one, what a start left. */
async function end(store: ClusterStore, name: string, state: ClusterState | undefined): Promise<void> {
  if (state === undefined) await endUnknown(store, name);
  else await endStart(store, state);
}
