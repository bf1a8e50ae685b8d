import { z } from 'zod';
import { KINDS } from '../../topology/endpoints.ts';
import { REGION } from '../../topology/regions.ts';

const whole = (least: number, most: number) => z.number().int().min(least).max(most);
const ms = z.number().min(0);

const node = z.looseObject({
  name: z.string(),
  region: z.string(),
  index: whole(0, 252),
  replicaOf: z.string().exactOptional(),
  slots: z.tuple([whole(0, 16_383), whole(0, 16_383)]).exactOptional(),
});

const topology = z
  .looseObject({
    kind: z.enum(KINDS).exactOptional(),
    sentinels: z.array(node).exactOptional(),
    minReplicasToWrite: whole(0, 400).exactOptional(),
    minReplicasMaxLagMs: ms.exactOptional(),
    regions: z.array(z.string().regex(REGION)).min(1),
    nodes: z.array(node).min(1),
    jitterMs: ms,
    persistence: z.enum(['none', 'aof']),
    nodeTimeoutMs: ms,
    roundTripMs: z.record(z.string(), ms),
    apart: z.literal(true).exactOptional(),
  })
  .superRefine(({ regions, nodes }, context) => {
    for (const [i, { name, region, index, replicaOf }] of nodes.entries()) {
      const problem = (key: string, message: string) =>
        context.addIssue({ code: 'custom', path: ['nodes', i, key], message });
      if (!regions.includes(region)) problem('region', 'expected one of topology.regions');
      if (name !== `${region}-${index}`) problem('name', `expected ${region}-${index}`);
      if (replicaOf !== undefined && !nodes.some((other) => other.name === replicaOf))
        problem('replicaOf', 'expected the name of a node');
    }
  });

/** What each provider stores for itself. */
const provisions = {
  local: z.looseObject({
    addresses: z.looseObject({ octet: whole(1, 254), port: whole(1, 65_532) }),
    binary: z.looseObject({
      command: z.string(),
      product: z.enum(['redis', 'valkey']),
      version: z.string(),
    }),
    seed: z.number().exactOptional(),
    steppableClocks: z.boolean().exactOptional(),
    clientProxies: z.boolean().exactOptional(),
    pidNamespace: z.string().exactOptional(),
  }),
  docker: z.looseObject({
    project: z.string(),
    images: z.looseObject({
      redis: z.string(),
      toxiproxy: z.string(),
      own: z.string().exactOptional(),
    }),
    ports: z.record(z.string(), z.record(z.string(), whole(1, 65_535))),
  }),
};

const program = z.looseObject({
  pid: whole(0, 2 ** 31),
  startedAt: z.string(),
  pidNamespace: z.string().exactOptional(),
});

const common = {
  startId: z.string().exactOptional(),
  createdAt: z.string(),
  phase: z.enum(['starting', 'up', 'ending']),
  owner: program.exactOptional(),
  programs: z.array(program).exactOptional(),
  topology,
  lastRun: z
    .looseObject({ policy: z.string(), prefix: z.string(), homes: z.looseObject({}).exactOptional() })
    .exactOptional(),
};

const state = z.discriminatedUnion('provider', [
  z.looseObject({ ...common, provider: z.literal('local'), provision: provisions.local }),
  z.looseObject({ ...common, provider: z.literal('docker'), provision: provisions.docker }),
]);

/** What is wrong with the structure of a state file, as `path: expected ...`; undefined if nothing is. */
export function findStateProblem(value: unknown): string | undefined {
  const [issue] = state.safeParse(value).error?.issues ?? [];
  return issue && `${z.core.toDotPath(issue.path)}: ${issue.message}`;
}
