import { readFile } from 'node:fs/promises';
import { environmentFailed } from '../../core/errors.ts';
import type { Topology } from '../../topology/topology.ts';

/** The state of a named cluster: one file in the user's state folder. */
export interface ClusterState {
  readonly version: 1;
  readonly name: string;
  /** Unique per start, since names are reused; the mark of its processes contains it. */
  readonly startId: string;
  readonly provider: string;
  readonly createdAt: string;
  /** `starting` until the cluster is healthy, `ending` once its end has begun. A crash leaves it unchanged. */
  readonly phase: 'starting' | 'up' | 'ending';
  /** The program whose end also ends the cluster; absent for a kept cluster. During start and end: the one that acts. */
  readonly owner?: Owner;
  readonly topology: Topology;
  /** The provider's own data, with which it attaches again. */
  readonly provision: Readonly<Record<string, unknown>>;
  /** The programs that had runs on it; those that have ended may be among them. */
  readonly programs?: readonly Owner[];
  /** The last run on it: the defaults of `inspect`. */
  readonly lastRun?: {
    readonly policy: string;
    readonly prefix: string;
    /** A homes table. */
    readonly homes?: unknown;
  };
}

/** A program, identified by its pid and its start time, since pids are reused, in its pid namespace. */
export interface Owner {
  readonly pid: number;
  readonly startedAt: string;
  /** The number of /proc/self/ns/pid; absent in state files of older versions. */
  readonly pidNamespace?: string;
}

/**
 * Reads the state file of a cluster; undefined if there is none. Throws ENVIRONMENT_FAILED if it cannot be read or has
 * another structure: the cluster may run, and a caller that took it for absent would end it.
 */
export async function readState(file: string, name: string): Promise<ClusterState | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw environmentFailed(
      `${file} cannot be read: ${error.code}`,
      `make it readable, ${orForget(file, name)}`,
      error,
    );
  });
  return text === undefined ? undefined : parseState(text, file, name);
}

async function parseState(text: string, file: string, name: string): Promise<ClusterState> {
  const state = parseObject(text);
  if (state === undefined)
    throw environmentFailed(`${file} is not a JSON object`, `correct it, ${orForget(file, name)}`);
  if (state.version !== 1) {
    throw environmentFailed(
      `${file} has version ${JSON.stringify(state.version)}; this program reads version 1`,
      `use the openclaw-rl that wrote it, ${orForget(file, name)}`,
    );
  }
  if (state.name !== name) {
    throw environmentFailed(
      `${file} belongs to a cluster called ${JSON.stringify(state.name)}`,
      `move it to the folder of that cluster, ${orForget(file, name)}`,
    );
  }
  const { findStateProblem } = await import('./state-schema.ts'); // its zod is a fifth of a start
  const problem = findStateProblem(state);
  if (problem !== undefined)
    throw environmentFailed(`${file} is damaged: ${problem}`, `correct it, ${orForget(file, name)}`);
  // Older versions have no start id, neither in the file nor in marks, and start clusters only.
  const { topology } = state as unknown as ClusterState;
  return { startId: '', ...state, topology: { ...OF_OLDER, ...topology } } as ClusterState;
}

const OF_OLDER = { kind: 'cluster', sentinels: [] } as const;

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function orForget(file: string, name: string): string {
  return `or end the cluster without it: rm -r ${file} && openclaw-rl down --name ${name}`;
}
