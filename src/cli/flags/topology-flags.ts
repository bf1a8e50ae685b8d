import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Command, Option } from 'commander';
import { plain } from '../../core/units.ts';
import { PROVIDERS, type ProviderName } from '../../regions/choose-provider.ts';
import { DEFAULT_SEED, TIMES } from '../../scenario/defaults.ts';
import { KINDS, type Kind } from '../../topology/endpoints.ts';
import { MOST_REGIONS } from '../../topology/regions.ts';
import {
  DEFAULT_TOPOLOGY,
  defaultReplicas,
  KNOWN_ROUND_TRIPS_MS,
  MOST_REPLICAS,
  OTHER_ROUND_TRIP_MS,
  type Persistence,
  planTopology,
  type Topology,
  type TopologyOptions,
} from '../../topology/topology.ts';
import type { Environment } from '../process/environment.ts';
import { decimalNumber, parseRegions, parseRoundTrips, wholeNumber } from './options.ts';

/** The flags of commands that start a cluster. */
export interface TopologyFlags {
  readonly topology: Kind;
  readonly regions: readonly string[];
  /** Absent: the default of the topology. */
  readonly replicas?: number;
  readonly minReplicasToWrite?: number;
  /** Seconds. */
  readonly minReplicasMaxLag?: number;
  readonly roundTrip: Record<string, number>;
  readonly jitter: number;
  readonly persistence: Persistence;
  readonly nodeTimeout: number;
  readonly seed: number;
  readonly server?: string;
  readonly provider: ProviderName;
}

const KNOWN_ROUND_TRIPS = [
  ...Object.entries(KNOWN_ROUND_TRIPS_MS).map(([pair, ms]) => `${pair}=${ms}`),
  `others ${OTHER_ROUND_TRIP_MS}`,
].join(', ');

export function topologyOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--topology <kind>',
        'a Redis Cluster, a single server, or a primary with Sentinels; the last two have one primary, in the first region',
      )
        .choices(KINDS)
        .default('cluster'),
    )
    .addOption(
      new Option('--regions <names>', 'region names, separated by commas')
        .argParser(parseRegions)
        .default([...DEFAULT_TOPOLOGY.regions], DEFAULT_TOPOLOGY.regions.join(',')),
    )
    .addOption(
      new Option('--replicas <count>', 'replicas of each primary, in other regions; with sentinel, in each')
        .argParser(wholeNumber(0, MOST_REPLICAS))
        .default(undefined, `${DEFAULT_TOPOLOGY.replicas}; of a single server 0`),
    )
    .option(
      '--min-replicas-to-write <count>',
      'a primary with fewer linked replicas refuses writes',
      wholeNumber(0, MOST_REPLICAS * MOST_REGIONS),
    )
    .option(
      '--min-replicas-max-lag <s>',
      'a replica that is silent for longer does not count',
      wholeNumber(1, 600),
    )
    .addOption(
      new Option(
        '--round-trip <a:b=ms>',
        'round trip between two regions in milliseconds; repeatable, or separated by commas',
      )
        .argParser(parseRoundTrips)
        .default({}, KNOWN_ROUND_TRIPS),
    )
    .option(
      '--jitter <ms>',
      'each delay varies by up to this much in both directions',
      decimalNumber(TIMES.delay.leastMs, TIMES.delay.mostMs),
      DEFAULT_TOPOLOGY.jitterMs,
    )
    .addOption(
      new Option('--persistence <kind>', 'what a node keeps over a restart')
        .choices(['none', 'aof'])
        .default(DEFAULT_TOPOLOGY.persistence),
    )
    .option(
      '--node-timeout <ms>',
      'a node that is silent for this long is suspected (cluster-node-timeout)',
      wholeNumber(TIMES.nodeTimeout.leastMs, TIMES.nodeTimeout.mostMs),
      DEFAULT_TOPOLOGY.nodeTimeoutMs,
    )
    .option('--seed <number>', 'seed of all random numbers', wholeNumber(0, 2 ** 32 - 1), DEFAULT_SEED)
    .option('--server <command>', SERVER_COMMAND)
    .addOption(providerOption());
}

export const SERVER_COMMAND = 'server program (default: redis-server, else valkey-server)';

const PROVIDER =
  'regions as processes (local) or containers (docker); auto: docker if no server is installed';

export function providerOption(what = PROVIDER): Option {
  return new Option('--provider <name>', what).choices(PROVIDERS).default('auto');
}

/** The typed server. A path is made absolute: each node runs in its own folder. */
export function serverOf(
  { server }: Pick<TopologyFlags, 'server'>,
  environment: Pick<Environment, 'cwd'>,
): Pick<TopologyFlags, 'server'> {
  if (server === undefined) return {};
  return { server: server.includes('/') ? resolve(environment.cwd, server) : server };
}

/** The topology of these flags; undefined if all of them have their defaults. Throws INVALID_OPTION. */
export function askedTopology(flags: TopologyFlags): Topology | undefined {
  const topology = topologyOf(flags);
  return isDeepStrictEqual(topology, planTopology(DEFAULT_TOPOLOGY)) ? undefined : topology;
}

/** The topology of these flags. Throws INVALID_OPTION. */
export function topologyOf(flags: TopologyFlags): Topology {
  const { topology: kind, regions, roundTrip, jitter, persistence, nodeTimeout, minReplicasMaxLag } = flags;
  return planTopology({
    ...(kind !== 'cluster' && { kind }),
    regions,
    replicas: flags.replicas ?? defaultReplicas(kind),
    ...(flags.minReplicasToWrite !== undefined && { minReplicasToWrite: flags.minReplicasToWrite }),
    ...(minReplicasMaxLag !== undefined && { minReplicasMaxLagMs: 1_000 * minReplicasMaxLag }),
    roundTripMs: roundTrip,
    jitterMs: jitter,
    persistence,
    nodeTimeoutMs: nodeTimeout,
  });
}

/** The flags that start a cluster like this. */
export function topologyCommandLine(
  topology: Omit<TopologyOptions, 'jitterMs'> & Partial<Pick<TopologyOptions, 'jitterMs'>>,
): string {
  const { kind, regions, replicas, roundTripMs, jitterMs, persistence, nodeTimeoutMs } = topology;
  const { minReplicasToWrite, minReplicasMaxLagMs } = topology;
  const trips = Object.entries(roundTripMs).map(([pair, ms]) => `--round-trip ${pair}=${plain(ms)}`);
  return [
    `--regions ${regions.join(',')} --replicas ${replicas} --persistence ${persistence}`,
    ...(jitterMs === undefined ? [] : [`--jitter ${plain(jitterMs)}`]),
    `--node-timeout ${nodeTimeoutMs}`,
    ...(kind === undefined ? [] : [`--topology ${kind}`]),
    ...(minReplicasToWrite === undefined ? [] : [`--min-replicas-to-write ${minReplicasToWrite}`]),
    ...(minReplicasMaxLagMs === undefined ? [] : [`--min-replicas-max-lag ${minReplicasMaxLagMs / 1_000}`]),
    ...trips,
  ].join(' ');
}
