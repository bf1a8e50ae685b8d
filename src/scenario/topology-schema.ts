import { z } from 'zod';
import { given } from '../core/given.ts';
import { type Position, roundTripsOf } from '../topology/distances.ts';
import { KINDS } from '../topology/endpoints.ts';
import { MOST_REGIONS, PAIR, REGION } from '../topology/regions.ts';
import {
  DEFAULT_TOPOLOGY,
  defaultReplicas,
  MOST_REPLICAS,
  type TopologyOptions,
} from '../topology/topology.ts';
import { TIMES } from './defaults.ts';
import { choice, duration, listOf, mapping, regionName, wholeNumber } from './fields.ts';
import { formatDuration } from './units.ts';

const PAIR_ERROR = 'two regions written a:b, like us-east:eu-west';

const POSITION = 'a latitude from -90 to 90 and a longitude from -180 to 180, like [53.3, -6.3]';
const degrees = (most: number) =>
  z.number({ error: POSITION }).min(-most, { error: POSITION }).max(most, { error: POSITION });
const position = z.tuple([degrees(90), degrees(180)], { error: POSITION });

/** The section `topology` of a scenario. */
export const topologySchema = mapping({
  regions: listOf(regionName(), { what: 'regions', least: 1 })
    .default([...DEFAULT_TOPOLOGY.regions])
    .meta({
      description: 'One to nine names, up to a hundred in a simulation; each region has one primary.',
    }),
  kind: choice(KINDS).default('cluster').meta({
    description:
      'cluster: a Redis Cluster with a primary in each region; single: one server in the first region; sentinel: one primary there, replicas in the other regions, and a Sentinel in each.',
  }),
  replicas: wholeNumber(0, MOST_REPLICAS).optional().meta({
    description:
      'Replicas of each primary, placed in the regions that follow its own (default 1). With kind: sentinel, replicas in each other region.',
  }),
  minReplicasToWrite: wholeNumber(0, MOST_REPLICAS * MOST_REGIONS)
    .optional()
    .meta({ description: 'A primary with fewer linked replicas refuses writes (min-replicas-to-write).' }),
  minReplicasMaxLag: duration({ leastMs: 1_000, mostMs: 600_000 }).optional().meta({
    description:
      'A replica that is silent for longer does not count; whole seconds, default 10s (min-replicas-max-lag).',
  }),
  roundTrip: z
    .record(z.string().regex(PAIR), duration(TIMES.delay), {
      error: `a mapping from ${PAIR_ERROR}, to a time`,
    })
    .prefault({})
    .meta({ description: 'Round-trip time between two regions, like us-east:eu-west: 80ms.' }),
  positions: z
    .record(z.string().regex(REGION), position, { error: `a mapping from a region to ${POSITION}` })
    .prefault({})
    .meta({
      description:
        'Where regions are, like eu-west: [53.3, -6.3]: latitude and longitude. Round trips that are not given follow from the distance, 15 ms for each 1,000 km and 1 ms.',
    }),
  jitter: duration(TIMES.delay)
    .prefault(formatDuration(DEFAULT_TOPOLOGY.jitterMs))
    .meta({ description: 'Each delay varies by up to this, more or less.' }),
  persistence: choice(['none', 'aof'])
    .default(DEFAULT_TOPOLOGY.persistence)
    .meta({ description: 'What a node keeps across a restart: none, or aof (every acknowledged write).' }),
  nodeTimeout: duration(TIMES.nodeTimeout)
    .prefault(formatDuration(DEFAULT_TOPOLOGY.nodeTimeoutMs))
    .meta({ description: 'How long a node may be silent before others suspect it (cluster-node-timeout).' }),
})
  .transform(
    ({
      kind,
      replicas,
      roundTrip,
      positions,
      jitter,
      persistence,
      nodeTimeout,
      ...rest
    }): TopologyOptions => ({
      ...(kind !== 'cluster' && { kind }),
      regions: rest.regions,
      replicas: replicas ?? defaultReplicas(kind),
      ...given({ minReplicasToWrite: rest.minReplicasToWrite, minReplicasMaxLagMs: rest.minReplicasMaxLag }),
      ...{
        roundTripMs: tripsOf(positions, roundTrip),
        jitterMs: jitter,
        persistence,
        nodeTimeoutMs: nodeTimeout,
      },
    }),
  )
  .prefault({})
  .meta({ description: 'The regions, their Redis nodes and the network between them.' });

/** A pair that is given replaces that of the positions. */
function tripsOf(
  positions: Readonly<Record<string, Position>>,
  given: Readonly<Record<string, number>>,
): Record<string, number> {
  const derived = Object.entries(roundTripsOf(positions));
  const absent = derived.filter(([pair]) => given[pair] === undefined && given[reversed(pair)] === undefined);
  return { ...Object.fromEntries(absent), ...given };
}

function reversed(pair: string): string {
  return pair.split(':').reverse().join(':');
}
