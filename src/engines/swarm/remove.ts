import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentFailed } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { docker } from '../../regions/docker/docker.ts';
import { endOwned, listOwned, markOf, signalAll } from '../../regions/processes/owned-processes.ts';
import { STACK_LABEL } from './labels.ts';
import { silentMachines, taskIds } from './tasks.ts';

/** Marks docker clients that create something of a stack; they may outlive their program. */
export function markOfStack(name: string): Record<string, string> {
  return markOf({ cluster: name, startId: '', role: 'stack' });
}

/** Shorter than a step of the cleanup of a run may take. */
const GONE_MS = 75_000;
const LOOK_EVERY_MS = 250;
/** What a killed client requested may appear a moment later. */
const QUIET_MS = 2_000;
/** After that long only a machine that does not answer can be the reason. */
const SLOW_MS = 20_000;

/**
 * Ends clients that still create something of a stack, removes the stack, and resolves once nothing of it is left: no
 * service, task, network, config or secret. Throws ENVIRONMENT_FAILED with what is left.
 */
export async function removeStack(name: string): Promise<void> {
  const clients = () => clientsOf(name);
  const wasCutShort = clients().length > 0;
  if (wasCutShort) await endOwned(clients);
  const startedMs = performance.now();
  let quietMs: number | undefined;
  let problem = '';
  for (;;) {
    const left = await whatIsLeft(name);
    const nowMs = performance.now();
    if (left.length > 0) quietMs = undefined;
    else quietMs ??= nowMs;
    if (quietMs !== undefined && (!wasCutShort || nowMs - quietMs >= QUIET_MS)) return;
    if (nowMs - startedMs > SLOW_MS) await refuseIfSilent(name, left);
    if (nowMs - startedMs > GONE_MS)
      throw environmentFailed(
        `${left.join(', ')} of stack ${name} are left${problem && `: ${problem}`}`,
        'openclaw-rl down --all',
      );
    if (!left.every(isOfTasks))
      await docker(['stack', 'rm', name], { timeoutMs: GONE_MS }).catch((error: Error) => {
        problem = error.message;
      });
    await sleep(LOOK_EVERY_MS);
  }
}

/** Begins to remove a stack, for a program that has to exit now. */
export function beginRemoval(name: string): void {
  signalAll(clientsOf(name), 'SIGKILL');
  const child = spawn('docker', ['stack', 'rm', name], { detached: true, stdio: 'ignore' });
  child.on('error', () => {}); // nothing can be removed without docker
  child.unref();
}

function clientsOf(name: string) {
  return listOwned().filter(({ cluster }) => cluster === name);
}

/** Like `2 services`, in the order in which they go. */
async function whatIsLeft(name: string): Promise<string[]> {
  const kinds = ['service', 'config', 'secret', 'network'].map(async (kind) => {
    const ids = await docker([kind, 'ls', '--quiet', '--filter', `label=${STACK_LABEL}=${name}`]);
    return { kind, count: ids.split('\n').filter((id) => id !== '').length };
  });
  const tasks = taskIds(name).then((ids) => ({ kind: 'task', count: ids.length }));
  const all = await Promise.all([...kinds, tasks]);
  return all.filter(({ count }) => count > 0).map(({ kind, count }) => `${count} ${kind}s`);
}

function isOfTasks(what: string): boolean {
  return what.endsWith('tasks');
}

async function refuseIfSilent(name: string, left: readonly string[]): Promise<void> {
  const silent = await silentMachines(name);
  if (silent.length === 0) return;
  const names = silent.map(({ name: machine, address }) => `${printable(machine)} (${printable(address)})`);
  const areOnlyTasks = left.every(isOfTasks);
  throw environmentFailed(
    `${left.join(', ')} of stack ${name} are left: ${names.join(', ')} does not answer`,
    `${areOnlyTasks ? 'when it is back, Docker ends its tasks, and nothing is left to remove' : 'when it is back, Docker ends its tasks; then: openclaw-rl down --all'}. If it never comes back: docker node rm --force <machine>`,
  );
}
