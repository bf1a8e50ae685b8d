import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../waiting.ts';
import { type DockerCall, docker, lastLine } from './docker.ts';

/**
 * The label of our containers, networks and volumes; its value is the folder of their cluster. The label finds them
 * from any shell, even after a SIGKILL, and never matches those of other programs.
 */
export const CLUSTER_LABEL = 'openclaw-rl';
/** The start id: names of clusters are reused. */
export const START_LABEL = 'openclaw-rl.start';
/** A node's name, `toxiproxy`, `region`, `rating` or `gateway`. */
export const ROLE_LABEL = 'openclaw-rl.role';

/** The program (`ownerText`) with which a container ends. */
export const OWNER_LABEL = 'openclaw-rl.owner';

/** The cluster, and optionally the start, that owns containers. */
export interface Owner {
  /** The folder of the cluster. */
  readonly cluster: string;
  /** Absent: every start of the cluster. */
  readonly startId?: string;
}

export interface OwnedContainer {
  readonly id: string;
  readonly role: string;
  /** Docker's state: running, paused, exited, ... */
  readonly state: string;
  /** The `ownerText` of the program with which it ends; empty if it ends with its cluster. */
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

/** The starts with a remaining container, network or volume: of one cluster, or of all clusters of this engine. */
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
/** A container that a killed client requested may appear a moment later. */
const QUIET_MS = 2_000;

interface Removal {
  /** Whether a client was killed while it started containers. */
  readonly wasCutShort?: boolean;
}

/** Removes the containers of an owner, then its networks and volumes. */
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

/** Repeats `removeOnce`, which returns how many objects it found, until it finds none and none appear. */
async function removeAll(
  { wasCutShort = false }: Removal,
  removeOnce: (remove: (...args: string[]) => Promise<unknown>) => Promise<number>,
): Promise<void> {
  let quietSince: number | undefined;
  let problem = '';
  // Docker may remove an ended container concurrently, so only the next listing decides.
  const remove = (...args: string[]) =>
    docker(args).catch((error: Error) => {
      problem = error.message;
    });
  await waitFor('containers to be removed', GONE_MS, new AbortController().signal, async () => {
    const left = await removeOnce(remove);
    if (left > 0) quietSince = undefined;
    else quietSince ??= performance.now();
    const isQuiet = quietSince !== undefined && (!wasCutShort || performance.now() - quietSince >= QUIET_MS);
    return isQuiet ? undefined : `${left} Docker objects remain ${problem && `(${problem})`}`;
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

const TAIL = 20;

/**
 * Saves the last lines of the logs of containers that should be running and are not, one file each in `logs/` of the
 * cluster. Returns one sentence per container: its exit status and the last line of its log.
 */
export async function keepLogs(owner: Required<Owner>): Promise<string[]> {
  const containers = await listContainers(owner);
  const down = containers.filter(({ state, program }) => state !== 'running' && program === '');
  return Promise.all(
    down.map(async ({ id, state, role }) => {
      const [log, end] = await Promise.all([
        docker(['logs', '--tail', String(TAIL), id], { withErrors: true }),
        docker(['inspect', '--format', '{{.State.ExitCode}} {{.State.Error}}', id]),
      ]);
      const file = join(owner.cluster, 'logs', `${role}-${id.slice(0, 8)}.log`);
      await writeFile(file, `${log}\n`);
      const words = lastLine(log) && `: ${lastLine(log)}`;
      return `${role} is ${state} (${end.trim()})${words}; its log: ${file}`;
    }),
  );
}

/** Writes the whole logs of the containers of an owner, without those of a run's services, into a folder: a file each. */
export async function copyLogs(owner: Required<Owner>, folder: string): Promise<void> {
  const containers = (await listContainers(owner)).filter(({ program }) => program === '');
  await Promise.all(
    containers.map(async ({ id, role }) => {
      const log = await docker(['logs', id], { withErrors: true });
      await writeFile(join(folder, `${role}-${id.slice(0, 8)}.log`), `${log}\n`);
    }),
  );
}
