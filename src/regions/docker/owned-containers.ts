import { until } from '../until.ts';
import { docker } from './docker.ts';

/**
 * Containers, networks and volumes that carry our label, with the folder of their cluster as its value: they are found
 * by it from any shell and after a SIGKILL at any moment, and nobody else's are.
 */
export const CLUSTER_LABEL = 'openclaw-rl';
/** Which start of it: a name is used again. */
export const START_LABEL = 'openclaw-rl.start';
/** A node's name, `toxiproxy`, `region`, `rating` or `gateway`. */
export const ROLE_LABEL = 'openclaw-rl.role';

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
  readonly startId: string;
  /** As Docker calls it: running, paused, exited, ... */
  readonly state: string;
}

export async function listContainers(owner: Owner): Promise<OwnedContainer[]> {
  const format = `{{.ID}}\t{{.State}}\t{{.Label "${ROLE_LABEL}"}}\t{{.Label "${START_LABEL}"}}`;
  const lines = await docker(['ps', '--all', '--no-trunc', ...ours(owner), '--format', format]);
  return linesOf(lines).map((line) => {
    const [id = '', state = '', role = '', startId = ''] = line.split('\t');
    return { id, state, role, startId };
  });
}

const GONE_MS = 30_000;
/** What a client that was killed had asked for may appear a moment later. */
const QUIET_LOOKS = 3;

/** Removes everything of an owner, and looks again until nothing more of it appears. */
export async function removeOwned(owner: Owner): Promise<void> {
  const never = new AbortController().signal;
  let quiet = 0;
  let problem = '';
  await until('containers to be gone', GONE_MS, never, async () => {
    const left = await removeOnce(owner, (error) => {
      problem = error.message;
    });
    quiet = left === 0 ? quiet + 1 : 0;
    return quiet === QUIET_LOOKS ? undefined : `${left} things are left ${problem && `(${problem})`}`;
  });
}

/** Gives how many there were. */
async function removeOnce(owner: Owner, onProblem: (error: Error) => void): Promise<number> {
  const containers = await listContainers(owner);
  // One that ends by itself may be removed by Docker meanwhile: what counts is the next look.
  const remove = (...args: string[]) => docker(args).catch(onProblem);
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
}

function ours({ cluster, startId }: Owner): string[] {
  const start = startId === undefined ? [] : ['--filter', `label=${START_LABEL}=${startId}`];
  return ['--filter', `label=${CLUSTER_LABEL}=${cluster}`, ...start];
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
