import { readFile } from 'node:fs/promises';
import { OpenclawError } from '../core/errors.ts';
import type { Topology } from './topology.ts';

/** What is known of a named cluster, in one file under the user's state folder. */
export interface ClusterState {
  readonly version: 1;
  readonly name: string;
  /** Tells this cluster from every other that has or had its name; its processes carry it in their mark. */
  readonly startId: string;
  readonly provider: string;
  readonly createdAt: string;
  /** `starting` until the cluster was whole, `ending` once its end has begun: a crash in between leaves it so. */
  readonly phase: 'starting' | 'up' | 'ending';
  /** The program it ends with; absent for a cluster that stays. While it starts or ends, the program that does it. */
  readonly owner?: Owner;
  readonly topology: Topology;
  /** What the provider needs to find it again. */
  readonly provision: Readonly<Record<string, unknown>>;
  /** The last run on it: what `inspect` looks for when nothing else is said. */
  readonly lastRun?: { readonly policy: string; readonly prefix: string };
}

/** A program that runs now, told apart from a later one with the same pid by when it started. */
export interface Owner {
  readonly pid: number;
  readonly startedAt: string;
}

/**
 * The state file of a cluster; undefined when there is none. Any other reason not to have it throws
 * ENVIRONMENT_FAILED, since the cluster may run: whoever took it for absent would end it.
 */
export async function readState(file: string, name: string): Promise<ClusterState | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unusable(`${file} cannot be read: ${error.code}`, `make it readable, ${orForget(file, name)}`);
  });
  return text === undefined ? undefined : parseState(text, file, name);
}

function parseState(text: string, file: string, name: string): ClusterState {
  const state = parseObject(text);
  if (state === undefined)
    throw unusable(`${file} cannot be understood: it is no JSON object`, `mend it, ${orForget(file, name)}`);
  if (state.version !== 1) {
    throw unusable(
      `${file} cannot be understood: its version is ${JSON.stringify(state.version)}, this program knows 1`,
      `use the openclaw-rl that wrote it, ${orForget(file, name)}`,
    );
  }
  if (state.name !== name) {
    throw unusable(
      `${file} cannot be understood: it is of a cluster called ${JSON.stringify(state.name)}`,
      `put it back where it belongs, ${orForget(file, name)}`,
    );
  }
  return { startId: '', ...state } as ClusterState; // absent in the files of older clusters, as in their marks
}

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

function unusable(message: string, hint: string): OpenclawError {
  return new OpenclawError('ENVIRONMENT_FAILED', message, { hint });
}
