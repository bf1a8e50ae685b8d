import { isDeepStrictEqual } from 'node:util';
import { Command } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import type { ClusterState } from '../../regions/cluster-state.ts';
import { readStatus } from '../../regions/status.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../regions/topology.ts';
import { bringUp, clusterStore, DEFAULT_CLUSTER, reportSilentNodes } from '../cluster.ts';
import { differingFlags } from '../differing-flags.ts';
import type { Environment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { printStatus } from '../status-table.ts';
import { type TopologyFlags, topologyOf, topologyOptions } from '../topology-flags.ts';

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
    .option('--name <name>', 'the name of the cluster', DEFAULT_CLUSTER)
    .option('--steppable-clocks', 'for `fault node-clock`: needs a C compiler', false)
    .option('--json', 'print its status as one JSON document', false)
    .addHelpText('after', EXAMPLES)
    .action(async (options: Options) => {
      const before = await clusterStore(environment).read(options.name);
      const startedMs = performance.now();
      const { name, seed, server, steppableClocks, provider } = options;
      const topology = topologyOf(options);
      const regions = await bringUp(environment, {
        ...{ name, topology, lifetime: 'stays', steppableClocks, seed, provider },
        ...(server !== undefined && { server }),
      });
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

/** A cluster that is up is taken as it is: whoever asked for another must be told. */
function describeDifference(found: ClusterState, options: Options, environment: Environment): string {
  const wanted = topologyOf(options);
  const isAny = isDeepStrictEqual(wanted, planTopology(DEFAULT_TOPOLOGY));
  const topology = isAny ? found.topology : wanted;
  const flags = differingFlags({ ...options, topology }, found, environment);
  if (flags.length === 0) return '';
  return `, with other options (${flags.join(', ')}): for these, first openclaw-rl down --name ${found.name}`;
}

const EXAMPLES = `
Examples:
  $ openclaw-rl up                                     # three regions, one replica each
  $ openclaw-rl up --regions a,b --round-trip a:b=40   # two regions, 40 ms apart
  $ openclaw-rl up --provider docker                   # as containers, each region a network namespace
  $ openclaw-rl up --name second --persistence aof     # a second cluster beside the first
  $ openclaw-rl status && openclaw-rl down`;
