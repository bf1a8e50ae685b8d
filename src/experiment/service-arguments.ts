import { formatNamed, parsePolicies } from '../core/policies.ts';
import { traitsOf } from '../core/strategies.ts';
import { type FailurePolicy, formatFailurePolicy } from '../limiter/wrappers/failure-policy.ts';
import type { ClusterHomes } from '../regions/cluster/homes.ts';
import { type Endpoint, nodesOf, type Regions, type RegionView } from '../regions/provider.ts';
import type { Plan } from '../scenario/plan.ts';
import { replicasOfPrimary } from '../topology/topology.ts';
import { failurePolicyOf } from './plan-file.ts';

/** How the Rating services of a run decide, in every region. */
export interface Deciding {
  readonly strategy: string;
  /** The file of a plug-in, absolute, instead of the strategy. */
  readonly limiter?: string;
  /** Replicas of each primary, for a strategy that waits for them. */
  readonly replicas: number;
  readonly onFailure: FailurePolicy;
  /** One, or several as `parsePolicies` reads them. */
  readonly policy: string;
  /** Of all keys. */
  readonly prefix: string;
  /** Where the buckets of users with homes are; absent: no user has one. */
  readonly homes?: ClusterHomes;
}

/** Where the Rating services of a region find Redis. */
export interface Finding {
  readonly view: Pick<RegionView, 'kind' | 'seeds' | 'primary' | 'tls'>;
  /** For a strategy with `perRegionBucket`: the Redis of each other region, by the cluster's address for it. */
  readonly others: Readonly<Record<string, Endpoint>>;
}

export function decidingOf(plan: Plan, prefix: string): Deciding {
  const { strategy, policy, limiter, topology } = plan;
  const onFailure = failurePolicyOf(plan);
  const replicas = replicasOfPrimary(topology);
  return { strategy, policy, prefix, replicas, onFailure, ...(limiter !== undefined && { limiter }) };
}

/** The arguments of `serve rating`, without its region and address. */
export function ratingArguments(deciding: Deciding, { view, others }: Finding): string[] {
  const { strategy, limiter, replicas, onFailure, policy, prefix, homes } = deciding;
  const { perRegionBucket, waitsForReplicas } = traitsOf(strategy);
  return [
    ...redisFlags(view),
    ...(perRegionBucket ? otherFlags(others) : kindFlags(view)),
    ...(limiter === undefined
      ? ['--strategy', strategy, '--evidence', '--on-failure', formatFailurePolicy(onFailure)]
      : ['--limiter', limiter]),
    ...(waitsForReplicas ? ['--replicas', String(replicas)] : []),
    ...(homes === undefined ? [] : ['--homes', JSON.stringify(homes)]), // a container has no file
    ...parsePolicies(policy).flatMap((named) => ['--policy', formatNamed(named)]),
    ...['--prefix', prefix],
  ];
}

/** The arguments of `serve gateway` in front of the Rating services at these URLs, without its region and address. */
export function gatewayArguments(ratings: readonly string[]): string[] {
  return ratings.flatMap((url) => ['--upstream', url]);
}

/** The first node of each other region. */
export function othersOf(
  name: string,
  { topology, announced }: Pick<Regions, 'topology' | 'announced'>,
): Record<string, Endpoint> {
  const elsewhere = topology.regions.filter((region) => region !== name);
  const firsts = elsewhere.flatMap((region) => nodesOf(topology, region).slice(0, 1));
  return Object.fromEntries(firsts.map((node) => [node.region, announced(node.name)]));
}

function redisFlags({ seeds, tls }: Finding['view']): string[] {
  const { ca, serverName, insecure } = tls ?? {};
  const scheme = tls === undefined ? 'redis' : 'rediss';
  return [
    ...seeds.flatMap(({ host, port }) => [
      '--redis',
      `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ]),
    ...(ca === undefined ? [] : ['--ca', ca]),
    ...(serverName === undefined ? [] : ['--tls-name', serverName]),
    ...(insecure ? ['--insecure'] : []),
  ];
}

function otherFlags(others: Finding['others']): string[] {
  return Object.entries(others).flatMap(([region, { host, port }]) => [
    '--other',
    `${region}=redis://${host}:${port}`,
  ]);
}

/** How the service finds the server of a key. */
function kindFlags({ kind, primary = '' }: Finding['view']): string[] {
  if (kind === 'sentinel') return ['--sentinel', primary];
  return kind === 'cluster' ? ['--cluster'] : [];
}
