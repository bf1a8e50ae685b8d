import { type Command, Option } from 'commander';
import {
  DEFAULT_TOPOLOGY,
  KNOWN_ROUND_TRIPS_MS,
  OTHER_ROUND_TRIP_MS,
  type Persistence,
  planTopology,
  type Topology,
} from '../regions/topology.ts';
import type { PlannedTopology } from '../scenario/plan.ts';
import { type ProviderName, providerOption } from './choose-provider.ts';
import { decimalNumber, parseRegions, parseRoundTrips, wholeNumber } from './options.ts';

/** What the commands that bring up a cluster take. */
export interface TopologyFlags {
  readonly regions: readonly string[];
  readonly replicas: number;
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
      new Option('--regions <names>', 'region names, with commas between')
        .argParser(parseRegions)
        .default([...DEFAULT_TOPOLOGY.regions], DEFAULT_TOPOLOGY.regions.join(',')),
    )
    .option(
      '--replicas <count>',
      'replicas of each primary, in other regions',
      wholeNumber(0, 8),
      DEFAULT_TOPOLOGY.replicas,
    )
    .addOption(
      new Option(
        '--round-trip <a:b=ms>',
        'milliseconds there and back between two regions; repeatable, or with commas',
      )
        .argParser(parseRoundTrips)
        .default({}, KNOWN_ROUND_TRIPS),
    )
    .option(
      '--jitter <ms>',
      'each delay varies by up to this much either way',
      decimalNumber(0, 1_000),
      DEFAULT_TOPOLOGY.jitterMs,
    )
    .addOption(
      new Option('--persistence <kind>', 'what a restarted node remembers')
        .choices(['none', 'aof'])
        .default('none'),
    )
    .option(
      '--node-timeout <ms>',
      'silence after which a node is suspected',
      wholeNumber(100, 600_000),
      DEFAULT_TOPOLOGY.nodeTimeoutMs,
    )
    .option('--seed <number>', 'all randomness comes from it', wholeNumber(0, 2 ** 32 - 1), 1)
    .option('--server <command>', 'the server program to run (default: redis-server, else valkey-server)')
    .addOption(providerOption());
}

/** What these flags describe. Throws INVALID_OPTION. */
export function topologyOf(flags: TopologyFlags): Topology {
  const { regions, replicas, roundTrip, jitter, persistence, nodeTimeout } = flags;
  return planTopology({
    regions,
    replicas,
    roundTripMs: roundTrip,
    jitterMs: jitter,
    persistence,
    nodeTimeoutMs: nodeTimeout,
  });
}

/** The flags that bring up a cluster like this. */
export function topologyCommandLine(topology: PlannedTopology): string {
  const { regions, replicas, roundTripMs, jitterMs, persistence, nodeTimeoutMs } = topology;
  const trips = Object.entries(roundTripMs).map(([pair, ms]) => `${pair}=${ms}`);
  return [
    `--regions ${regions.join(',')} --replicas ${replicas} --jitter ${jitterMs} --persistence ${persistence}`,
    `--node-timeout ${nodeTimeoutMs}`,
    ...(trips.length === 0 ? [] : [`--round-trip ${trips.join(',')}`]),
  ].join(' ');
}
