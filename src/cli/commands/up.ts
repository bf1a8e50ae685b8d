import { Command } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import { bringUp } from '../../regions/bring-up.ts';
import { readStatus } from '../../regions/cluster/status.ts';
import { findDifferences } from '../../regions/differences.ts';
import type { ClusterState } from '../../regions/store/cluster-state.ts';
import { clusterContext, DEFAULT_CLUSTER } from '../flags/cluster-flags.ts';
import {
  askedTopology,
  serverOf,
  type TopologyFlags,
  topologyOf,
  topologyOptions,
} from '../flags/topology-flags.ts';
import { printStatus, reportSilentNodes } from '../output/status-table.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';

interface Options extends TopologyFlags {
  readonly name: string;
  readonly json: boolean;
  readonly steppableClocks: boolean;
}

export function upCommand(environment: Environment): Command {
  return topologyOptions(new Command('up'))
    .description(
      'Bring up a Redis Cluster over regions, Toxiproxy latency between them, that stays until `down`.',
    )
    .option('--name <name>', 'name of the cluster', DEFAULT_CLUSTER)
    .option('--steppable-clocks', 'allow `fault node-clock` (needs a C compiler)', false)
    .option('--json', 'print the status as one JSON document', false)
    .addHelpText('after', EXAMPLES)
    .action(async (options: Options) => {
      const context = clusterContext(environment);
      const before = await context.store.read(options.name);
      const startedMs = performance.now();
      const { name, seed, steppableClocks, provider } = options;
      const up = { name, topology: topologyOf(options), lifetime: 'stays', steppableClocks } as const;
      const regions = await bringUp({ ...up, seed, provider, ...serverOf(options, environment) }, context);
      const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
      const isSame = before !== undefined && before.createdAt === regions.createdAt;
      environment.log(
        isSame
          ? `cluster ${options.name} was up already${describeDifference(before, options, environment)}\n`
          : `cluster ${options.name} is up after ${seconds} s\n`,
      );
      const status = await readStatus(regions);
      if (environment.interrupt.aborted && !isSame) {
        await regions.down();
        throw new OpenclawError('INTERRUPTED', `interrupted: cluster ${options.name} is down again`);
      }
      if (!reportSilentNodes(status, environment)) environment.setExitCode(EXIT.environment);
      printStatus(status, options.json, environment);
    });
}

/** The options that differ from the running cluster, which is used as it is. */
function describeDifference(found: ClusterState, options: Options, environment: Environment): string {
  const topology = askedTopology(options) ?? found.topology;
  const differences = findDifferences({ ...options, ...serverOf(options, environment), topology }, found);
  if (differences.length === 0) return '';
  const flags = differences.map(
    (name) => `--${name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}`,
  );
  return `, with other options (${flags.join(', ')}); to change them, first run: openclaw-rl down --name ${found.name}`;
}

const EXAMPLES = `
Examples:
  # three regions, each with a primary and a replica
  $ openclaw-rl up
  # two regions, 40 ms apart
  $ openclaw-rl up --regions a,b --round-trip a:b=40
  # as containers, each region in its own network namespace
  $ openclaw-rl up --provider docker
  # a second cluster
  $ openclaw-rl up --name second --persistence aof
  $ openclaw-rl status && openclaw-rl down`;
