import { groupBy } from '../../core/group-by.ts';
import { docker } from '../../regions/docker/docker.ts';
import type { Task } from '../engine.ts';
import { SERVICE_LABEL } from './labels.ts';
import { listMachines, type Machine } from './machines.ts';
import type { StartAgain, ToStartAgain } from './start-again.ts';

/** A task as `docker inspect` prints it. */
export interface DockerTask {
  readonly ID: string;
  readonly CreatedAt: string;
  readonly NodeID?: string;
  readonly Spec: {
    readonly ContainerSpec: {
      readonly Image: string;
      readonly Labels?: Readonly<Record<string, string>>;
    };
  };
  readonly Status: {
    readonly State: string;
    readonly Message?: string;
    readonly Err?: string;
    readonly ContainerStatus?: { readonly ExitCode?: number } | null;
  };
}

/** The newest task of each service of a stack. What could not start for a busy mount is started again. */
export async function tasksOf(
  stack: string,
  isJob: (service: string) => boolean,
  again: StartAgain,
): Promise<Task[]> {
  const [tasks, machines] = await Promise.all([listTasks(stack), listMachines()]);
  await again.start(busyOf(tasks));
  return describeTasks(tasks, machines, isJob, (id) => again.has(id));
}

/** The newest task of each service that never ran, because a mount was busy each time. */
export function busyOf(tasks: readonly DockerTask[]): ToStartAgain[] {
  return [...groupBy(tasks, serviceOf)].flatMap(([service, all]) => {
    const [newest] = newestFirst(all);
    return newest !== undefined && all.every(hadBusyMount) ? [{ service, id: newest.ID }] : [];
  });
}

/** The ids of the tasks of a stack, of services that were removed, too, until their containers have ended. */
export async function taskIds(stack: string): Promise<string[]> {
  const ids = await docker(['stack', 'ps', '--quiet', '--no-trunc', stack]).catch((error: Error) => {
    if (error.message.includes('nothing found in stack')) return '';
    throw error;
  });
  return ids.split('\n').filter((id) => id !== '');
}

async function listTasks(stack: string): Promise<DockerTask[]> {
  const ids = await taskIds(stack);
  return ids.length === 0 ? [] : JSON.parse(await docker(['inspect', '--type', 'task', ...ids]));
}

/**
 * The newest task of each service. One that ran and was started again counts as failed, unless it is a job. `startsAgain`:
 * whether another takes the place of the task of this id.
 */
export function describeTasks(
  tasks: readonly DockerTask[],
  machines: readonly Machine[],
  isJob: (service: string) => boolean,
  startsAgain: (id: string) => boolean,
): Task[] {
  return [...groupBy(tasks, serviceOf)].map(([service, all]): Task => {
    const [newest, ...others] = newestFirst(all);
    const older = others.filter((task) => !hadBusyMount(task));
    const machineOf = (task?: DockerTask) => machines.find(({ id }) => id === task?.NodeID);
    const at = (task?: DockerTask) => ({ service, machine: machineOf(task)?.name ?? '' });
    if (newest === undefined) return { ...at(), state: 'waiting' };
    const silent = all.find((task) => isLost(task, machineOf(task)));
    if (silent !== undefined && !isOver(newest)) return { ...at(silent), state: 'lost' };
    if (older.length > 0 && !isJob(service)) return { ...at(newest), state: 'failed', why: AGAIN };
    if (startsAgain(newest.ID))
      return { ...at(newest), state: 'waiting', why: `starting it again: ${newest.Status.Err}` };
    return { ...at(newest), ...fateOf(newest, at(newest).machine) };
  });
}

function newestFirst(tasks: readonly DockerTask[]): DockerTask[] {
  return tasks.toSorted((a, b) => (a.CreatedAt < b.CreatedAt ? 1 : -1));
}

/** Whether its container never ran, because one of its mounts was busy: https://github.com/moby/moby/issues/48783. */
function hadBusyMount({ Status }: DockerTask): boolean {
  const { State, Err = '' } = Status;
  const isBefore =
    State === 'rejected' || (State === 'failed' && Err.startsWith('starting container failed'));
  return isBefore && Err.includes('device or resource busy');
}

const ENDED = 'Docker ended it: its machine was away or takes no tasks';
const AGAIN = 'its machine was away, so Docker started it again: with another address and without data';

function fateOf(task: DockerTask, machine: string): Pick<Task, 'state' | 'why' | 'exitCode'> {
  const { State, Err = '', Message = '', ContainerStatus } = task.Status;
  const why = explain(Err || Message, task, machine);
  if (State === 'running') return { state: 'running' };
  if (State === 'complete') return { state: 'done', exitCode: 0 };
  if (State === 'shutdown') return { state: 'failed', why: ENDED };
  if (!isOver(task)) return { state: isNowhere(Err) ? 'failed' : 'waiting', why };
  const exitCode = Err.includes('non-zero exit') ? ContainerStatus?.ExitCode : undefined;
  return { state: 'failed', why, ...(exitCode !== undefined && { exitCode }) };
}

/** Docker's words, and the way out where they have none. */
function explain(why: string, { Spec }: DockerTask, machine: string): string {
  const { Image } = Spec.ContainerSpec;
  if (/no such image|pull access denied|manifest unknown|repository does not exist/i.test(why))
    return `${why}; copy the image to it: docker save ${Image} | ssh ${machine} docker load; or name one of a registry: export OPENCLAW_RL_IMAGE`;
  return isNowhere(why) ? `${why}; see openclaw-rl doctor --engine swarm` : why;
}

function isNowhere(why: string): boolean {
  return why.includes('no suitable node');
}

const OVER = ['complete', 'failed', 'rejected', 'shutdown', 'remove'];

function isOver({ Status }: DockerTask): boolean {
  return OVER.includes(Status.State);
}

/** Whether its machine does not answer, so that Docker does not know how it is. */
function isLost(task: DockerTask, machine: Machine | undefined): boolean {
  if (task.Status.State === 'orphaned') return true;
  return machine !== undefined && machine.state !== 'ready' && !isOver(task);
}

function serviceOf({ Spec }: DockerTask): string {
  return Spec.ContainerSpec.Labels?.[SERVICE_LABEL] ?? '';
}

/** What a service has printed so far; of a machine that does not answer, nothing. */
export async function logOf(stack: string, service: string): Promise<string> {
  const log = ['service', 'logs', '--raw', `${stack}_${service}`];
  return docker(log, { withErrors: true, timeoutMs: LOG_MS });
}

const LOG_MS = 20_000;

/** The machines that do not answer and have tasks of a stack. */
export async function silentMachines(stack: string): Promise<Machine[]> {
  const [tasks, machines] = await Promise.all([listTasks(stack), listMachines()]);
  return machines.filter(({ id, state }) => state !== 'ready' && tasks.some(({ NodeID }) => NodeID === id));
}
