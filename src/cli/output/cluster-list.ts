import { printable } from '../../core/printable.ts';
import type { FoundStack } from '../../engines/swarm/stacks.ts';
import type { FoundCluster } from '../../regions/find-clusters.ts';

/** One line for each cluster: its name and what it is. */
export function listClusters(clusters: readonly FoundCluster[]): string {
  const width = Math.max(...clusters.map(({ name }) => name.length));
  return clusters.map((cluster) => `  ${cluster.name.padEnd(width)}  ${describe(cluster)}\n`).join('');
}

/** The running programs of a cluster, as `pid 12` or `pids 12, 15`. */
export function namePrograms({ programs }: Pick<FoundCluster, 'programs'>): string {
  return `${programs.length === 1 ? 'pid' : 'pids'} ${programs.map(({ pid }) => pid).join(', ')}`;
}

/** One line for each stack in a swarm. */
export function listStacks(stacks: readonly FoundStack[]): string {
  const text = (stack: FoundStack) =>
    stack.program === 'ended'
      ? 'left by a killed program'
      : `IN USE by a running program (${nameUser(stack)})`;
  return stacks.map((stack) => `  ${stack.name}  ${text(stack)}, in the swarm of this machine\n`).join('');
}

/** The program of a stack, as `pid 12`. */
export function nameUser({ program, pid }: FoundStack): string {
  return program === 'elsewhere' ? 'maybe: it was started on another manager' : `pid ${pid}`;
}

function describe({ state, invalid, programs }: FoundCluster): string {
  if (invalid !== undefined) return `unknown: ${printable(invalid.message)}`;
  if (state === undefined) return 'the files of a failed start';
  const since = `since ${state.createdAt.slice(0, 19).replace('T', ' ')} UTC`;
  if (programs.length > 0) return `IN USE by a running program (${namePrograms({ programs })}), ${since}`;
  return state.owner === undefined ? `up ${since}` : `left by a killed program, ${since}`;
}
