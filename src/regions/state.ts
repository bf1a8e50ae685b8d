import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenclawError, quoted } from '../core/errors.ts';
import type { Topology } from './topology.ts';

/** What is known of a named cluster, in one file under the user's state folder. */
export interface ClusterState {
  readonly version: 1;
  readonly name: string;
  readonly provider: string;
  readonly createdAt: string;
  /** `starting` until the cluster was whole: a crash in between leaves it so. */
  readonly phase: 'starting' | 'up';
  /** The program it ends with; absent for a cluster that stays. While it starts, the program that starts it. */
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

const KEEP_LOGS_MS = 24 * 3_600_000;

/** The clusters of one user, a folder each: `<state>/clusters/<name>/`. */
export class ClusterStore {
  /** Every cluster's folder is in here. */
  readonly folder: string;

  constructor(stateFolder: string) {
    this.folder = join(stateFolder, 'clusters');
  }

  /** Where a cluster keeps its files; it is what marks its processes. */
  folderOf(name: string): string {
    return join(this.folder, checkName(name));
  }

  async names(): Promise<string[]> {
    const entries = await readdir(this.folder, { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  /** Undefined when there is none; throws ENVIRONMENT_FAILED when the file cannot be understood. */
  async read(name: string): Promise<ClusterState | undefined> {
    const file = join(this.folderOf(name), 'state.json');
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      const state = JSON.parse(text) as ClusterState;
      if (state.version === 1 && state.name === name) return state;
    } catch {
      // said below
    }
    throw new OpenclawError('ENVIRONMENT_FAILED', `${file} cannot be understood`, {
      hint: `openclaw-rl down --name ${name}`,
    });
  }

  /** Claims a name: throws ENVIRONMENT_FAILED when it is taken, also by a program that does so at this moment. */
  async create(state: ClusterState): Promise<void> {
    const folder = this.folderOf(state.name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Linked, not written: whoever looks sees all of it or nothing, and only one program succeeds.
    const unfinished = join(folder, `.state.json.${process.pid}`);
    await writeFile(unfinished, `${JSON.stringify(state, undefined, 2)}\n`);
    try {
      await link(unfinished, join(folder, 'state.json'));
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EEXIST';
      throw new OpenclawError(
        'ENVIRONMENT_FAILED',
        isTaken
          ? `cluster ${state.name} is being started or used by another program`
          : `cluster ${state.name} cannot be claimed: ${(error as Error).message}`,
        { hint: `wait for it, end it with: openclaw-rl down --name ${state.name}, or choose another --name` },
      );
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  async write(state: ClusterState): Promise<void> {
    const folder = this.folderOf(state.name);
    const unfinished = join(folder, '.state.json.unfinished');
    await writeFile(unfinished, `${JSON.stringify(state, undefined, 2)}\n`);
    await rename(unfinished, join(folder, 'state.json'));
  }

  /** Remembers the last run on a cluster. */
  async noteRun(name: string, lastRun: NonNullable<ClusterState['lastRun']>): Promise<void> {
    const state = await this.read(name);
    if (state !== undefined) await this.write({ ...state, lastRun });
  }

  /** Drops what is known of it, and keeps its logs for the person who has to find out what went wrong. */
  async forget(name: string): Promise<void> {
    await rm(join(this.folderOf(name), 'state.json'), { force: true });
  }

  async remove(name: string): Promise<void> {
    await rm(this.folderOf(name), { recursive: true, force: true });
  }

  /** Removes what `forget` kept of clusters that failed more than a day ago. */
  async dropOldLogs(): Promise<void> {
    for (const name of await this.names()) {
      const folder = join(this.folder, name);
      const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      if (mtimeMs > Date.now() - KEEP_LOGS_MS) continue;
      if (!(await readdir(folder)).includes('state.json')) await this.remove(name);
    }
  }
}

function checkName(name: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,40}$/.test(name)) return name;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a cluster's name is 1 to 41 of a-z, 0-9 and -; found ${quoted(name)}`,
  );
}
