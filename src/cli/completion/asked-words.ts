import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STATE_FILE } from '../../regions/store/cluster-store.ts';
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
  const words: readonly unknown[] =
    asked === 'runs' ? await runNames(place.cwd) : namesIn(asked, await typedTopology(typed, place));
  return words.filter((word) => typeof word === 'string').filter((word) => PLAIN.test(word));
}

/** A shell puts a word into the command line as it is, and would obey any other character. */
const PLAIN = /^[\w.:@%+,=-]+$/;

/** A state file may have anything for a name. */
function namesIn(asked: 'nodes' | 'regions', { regions, nodes }: Names): readonly unknown[] {
  return asked === 'regions' ? regions : nodes.map(({ name }) => name);
}

type Names = Pick<Topology, 'regions' | 'nodes'>;

async function typedTopology(typed: readonly string[], place: Place): Promise<Names> {
  const regions = typedValue(typed, '--regions');
  const replicas = typedValue(typed, '--replicas');
  if (regions === undefined && replicas === undefined) {
    const name = typedValue(typed, '--name') ?? DEFAULT_CLUSTER;
    return (await standingNames(name, place)) ?? planTopology(DEFAULT_TOPOLOGY);
  }
  return planTopology({
    ...DEFAULT_TOPOLOGY,
    ...(regions !== undefined && { regions: regions.split(',') }),
    ...(replicas !== undefined && { replicas: Number(replicas) }),
  });
}

/** Of a cluster whose state is `up`. The state is not checked by its schema, which takes a fifth of a second to load. */
async function standingNames(name: string, place: Place): Promise<Names | undefined> {
  const file = join(clusterStore(place).folderOf(name), STATE_FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const { phase, topology } = JSON.parse(text);
  return phase === 'up' ? topology : undefined;
}

/** The value of `--flag value` or `--flag=value`. */
function typedValue(typed: readonly string[], flag: string): string | undefined {
  const at = typed.indexOf(flag);
  if (at >= 0) return typed[at + 1];
  return typed.find((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1);
}
