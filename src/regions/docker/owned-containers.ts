import { until } from '../until.ts';
import { docker } from './docker.ts';

/**
 * Containers, networks and volumes that carry our label, with the folder of their cluster as its value: they are found
 * by it from any shell and after a SIGKILL at any moment, and nobody else's are.
 */
export const CLUSTER_LABEL = 'openclaw-rl';
/** A node's name, `toxiproxy`, `region`, `rating` or `gateway`. */
export const ROLE_LABEL = 'openclaw-rl.role';

export interface OwnedContainer {
  readonly id: string;
  readonly role: string;
  /** As Docker calls it: running, paused, exited, ... */
  readonly state: string;
}

export async function listContainers(cluster: string): Promise<OwnedContainer[]> {
  const format = `{{.ID}}\t{{.State}}\t{{.Label "${ROLE_LABEL}"}}`;
  const lines = await docker(['ps', '--all', '--no-trunc', ...ours(cluster), '--format', format]);
  return linesOf(lines).map((line) => {
    const [id = '', state = '', role = ''] = line.split('\t');
    return { id, state, role };
  });
}

const GONE_MS = 30_000;
/** What a client that was killed had asked for may appear a moment later. */
const QUIET_LOOKS = 3;

/** Removes everything of a cluster, and looks again until nothing more of it appears. */
export async function removeOwned(cluster: string): Promise<void> {
  const never = new AbortController().signal;
  let quiet = 0;
  let problem = '';
  await until('containers to be gone', GONE_MS, never, async () => {
    const left = await removeOnce(cluster, (error) => {
      problem = error.message;
    });
    quiet = left === 0 ? quiet + 1 : 0;
    return quiet === QUIET_LOOKS ? undefined : `${left} things are left ${problem && `(${problem})`}`;
  });
}

/** Gives how many there were. */
async function removeOnce(cluster: string, onProblem: (error: Error) => void): Promise<number> {
  const containers = await listContainers(cluster);
  // One that ends by itself may be removed by Docker meanwhile: what counts is the next look.
  const remove = (...args: string[]) => docker(args).catch(onProblem);
  await Promise.all(containers.map(({ id }) => remove('rm', '--force', '--volumes', id)));
  const [networks, volumes] = await Promise.all([
    docker(['network', 'ls', '--quiet', ...ours(cluster)]).then(linesOf),
    docker(['volume', 'ls', '--quiet', ...ours(cluster)]).then(linesOf),
  ]);
  await Promise.all([
    ...networks.map((id) => remove('network', 'rm', id)),
    ...volumes.map((id) => remove('volume', 'rm', id)),
  ]);
  return containers.length + networks.length + volumes.length;
}

function ours(cluster: string): string[] {
  return ['--filter', `label=${CLUSTER_LABEL}=${cluster}`];
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
