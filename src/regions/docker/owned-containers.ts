import { until } from '../until.ts';
import { type DockerCall, docker } from './docker.ts';

/**
 * Containers, networks and volumes that carry our label, with the folder of their cluster as its value: they are found
 * by it from any shell and after a SIGKILL at any moment, and nobody else's are.
 */
export const CLUSTER_LABEL = 'openclaw-rl';
/** Which start of it: a name is used again. */
export const START_LABEL = 'openclaw-rl.start';
/** A node's name, `toxiproxy`, `region`, `rating` or `gateway`. */
export const ROLE_LABEL = 'openclaw-rl.role';

/** On what ends with a program: which, as `ownerText` has it. */
export const OWNER_LABEL = 'openclaw-rl.owner';

/** Whose they are. */
export interface Owner {
  /** The folder of the cluster. */
  readonly cluster: string;
  /** Absent for every start of it. */
  readonly startId?: string;
}

export interface OwnedContainer {
  readonly id: string;
  readonly role: string;
  /** As Docker calls it: running, paused, exited, ... */
  readonly state: string;
  /** The text of the program it ends with; empty for one that ends with its cluster. */
  readonly program: string;
}

export async function listContainers(owner: Owner): Promise<OwnedContainer[]> {
  const format = ['{{.ID}}', '{{.State}}', ...[ROLE_LABEL, OWNER_LABEL].map(labelOf)].join('\t');
  const lines = await docker(['ps', '--all', '--no-trunc', ...ours(owner), '--format', format]);
  return linesOf(lines).map((line) => {
    const [id = '', state = '', role = '', program = ''] = line.split('\t');
    return { id, state, role, program };
  });
}

/** The starts that anything is left of, a container, a network or a volume: of one cluster, or of all on this engine. */
export async function listStarts(cluster?: string, call: DockerCall = {}): Promise<Required<Owner>[]> {
  const label = cluster === undefined ? CLUSTER_LABEL : `${CLUSTER_LABEL}=${cluster}`;
  const format = `${labelOf(CLUSTER_LABEL)}\t${labelOf(START_LABEL)}`;
  const lists = [
    ['ps', '--all'],
    ['network', 'ls'],
    ['volume', 'ls'],
  ].map((list) => docker([...list, '--filter', `label=${label}`, '--format', format], call).then(linesOf));
  return [...new Set((await Promise.all(lists)).flat())].map((line) => {
    const [folder = '', startId = ''] = line.split('\t');
    return { cluster: folder, startId };
  });
}

const GONE_MS = 30_000;
/** What a client that was killed had asked for may appear a moment later. */
const QUIET_MS = 2_000;

interface Removal {
  /** Whether a client was ended in the middle of starting something. */
  readonly wasCutShort?: boolean;
}

/** Removes everything of an owner: containers, then what only they keep, networks and volumes. */
export async function removeOwned(owner: Owner, removal: Removal = {}): Promise<void> {
  await removeAll(removal, async (remove) => {
    const containers = await listContainers(owner);
    await Promise.all(containers.map(({ id }) => remove('rm', '--force', '--volumes', id)));
    const [networks, volumes] = await Promise.all([
      docker(['network', 'ls', '--quiet', ...ours(owner)]).then(linesOf),
      docker(['volume', 'ls', '--quiet', ...ours(owner)]).then(linesOf),
    ]);
    await Promise.all([
      ...networks.map((id) => remove('network', 'rm', id)),
      ...volumes.map((id) => remove('volume', 'rm', id)),
    ]);
    return containers.length + networks.length + volumes.length;
  });
}

/** Removes the containers of an owner that `isMeant`. */
export async function removeContainers(
  owner: Owner,
  isMeant: (container: OwnedContainer) => boolean,
  removal: Removal = {},
): Promise<void> {
  await removeAll(removal, async (remove) => {
    const meant = (await listContainers(owner)).filter(isMeant);
    await Promise.all(meant.map(({ id }) => remove('rm', '--force', '--volumes', id)));
    return meant.length;
  });
}

/** `removeOnce` gives how many things there were; it is asked until there are none, and stay none. */
async function removeAll(
  { wasCutShort = false }: Removal,
  removeOnce: (remove: (...args: string[]) => Promise<unknown>) => Promise<number>,
): Promise<void> {
  let quietSince: number | undefined;
  let problem = '';
  // One that ends by itself may be removed by Docker meanwhile: what counts is the next look.
  const remove = (...args: string[]) =>
    docker(args).catch((error: Error) => {
      problem = error.message;
    });
  await until('containers to be gone', GONE_MS, new AbortController().signal, async () => {
    const left = await removeOnce(remove);
    if (left > 0) quietSince = undefined;
    else quietSince ??= performance.now();
    const isQuiet = quietSince !== undefined && (!wasCutShort || performance.now() - quietSince >= QUIET_MS);
    return isQuiet ? undefined : `${left} things are left ${problem && `(${problem})`}`;
  });
}

function ours({ cluster, startId }: Owner): string[] {
  const start = startId === undefined ? [] : ['--filter', `label=${START_LABEL}=${startId}`];
  return ['--filter', `label=${CLUSTER_LABEL}=${cluster}`, ...start];
}

function labelOf(name: string): string {
  return `{{.Label "${name}"}}`;
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
