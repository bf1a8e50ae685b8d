import { clusterStore, DEFAULT_CLUSTER } from '../../regions/store/user-clusters.ts';
import { DEFAULT_TOPOLOGY, planTopology, type Topology } from '../../topology/topology.ts';
import { runNames } from '../files/run-names.ts';
import type { Environment } from '../process/environment.ts';

/** What a shell asks for at a tab, since it changes: the words that can stand there. */
export const ASKED = ['runs', 'nodes', 'regions'] as const;

export type Asked = (typeof ASKED)[number];

type Place = Pick<Environment, 'env' | 'cwd'>;

/**
 * The names of the kept runs; or the nodes or regions of the cluster that the typed words name, the running one first,
 * else of the one that they would start. Imports little and looks at no process: a shell waits for it.
 */
export async function askedWords(
  asked: Asked,
  typed: readonly string[],
  place: Place,
): Promise<readonly string[]> {
  if (asked === 'runs') return runNames(place.cwd);
  const topology = await typedTopology(typed, place);
  return asked === 'regions' ? topology.regions : topology.nodes.map(({ name }) => name);
}

async function typedTopology(typed: readonly string[], place: Place): Promise<Topology> {
  const regions = typedValue(typed, '--regions');
  const replicas = typedValue(typed, '--replicas');
  if (regions === undefined && replicas === undefined) {
    const name = typedValue(typed, '--name') ?? DEFAULT_CLUSTER;
    const state = await clusterStore(place).read(name);
    return state?.phase === 'up' ? state.topology : planTopology(DEFAULT_TOPOLOGY);
  }
  return planTopology({
    ...DEFAULT_TOPOLOGY,
    ...(regions !== undefined && { regions: regions.split(',') }),
    ...(replicas !== undefined && { replicas: Number(replicas) }),
  });
}

/** The value of `--flag value` or `--flag=value`. */
function typedValue(typed: readonly string[], flag: string): string | undefined {
  const at = typed.indexOf(flag);
  if (at >= 0) return typed[at + 1];
  return typed.find((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1);
}
