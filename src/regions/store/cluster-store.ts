import { link, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentFailed, invalidOption, type OpenclawError } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { othersAlive, thisProgram } from '../processes/owner.ts';
import { type ClusterState, readState } from './cluster-state.ts';
import { withLock } from './lock.ts';
import { makeFolders } from './make-folders.ts';

/** One start of a cluster. */
export type ClusterStart = Pick<ClusterState, 'name' | 'startId'>;

/** In the folder of a cluster. */
export const STATE_FILE = 'state.json';
const LOGS = 'logs';
const KEEP_LOGS_MS = 24 * 3_600_000;

/** The clusters of one user, one folder each: `<state>/clusters/<name>/`. */
export class ClusterStore {
  /** The parent of all cluster folders. */
  readonly folder: string;

  constructor(stateFolder: string) {
    this.folder = join(stateFolder, 'clusters');
  }

  /** The folder of a cluster. The mark of its processes contains it. */
  folderOf(name: string): string {
    return join(this.folder, checkName(name));
  }

  /** The names with a folder. Throws ENVIRONMENT_FAILED if the parent folder exists and cannot be read. */
  async names(): Promise<string[]> {
    const entries = await readdir(this.folder, { withFileTypes: true }).catch((error) => {
      if (['ENOENT', 'ENOTDIR'].includes(error.code)) return [];
      throw environmentFailed(
        `${this.folder} cannot be read: ${error.code}`,
        'make it readable, or set OPENCLAW_RL_STATE to another folder',
        error,
      );
    });
    return entries.filter((entry) => entry.isDirectory() && NAME.test(entry.name)).map(({ name }) => name);
  }

  /** The state of a cluster; undefined if there is none. Throws ENVIRONMENT_FAILED if the file is invalid. */
  async read(name: string): Promise<ClusterState | undefined> {
    return readState(this.#fileOf(name), name);
  }

  /** Claims a name. Throws ENVIRONMENT_FAILED if it is taken, also by a concurrent program. */
  async create(state: ClusterState): Promise<void> {
    const folder = this.folderOf(state.name);
    const place = async () => {
      await makeFolders(folder);
      await this.#put(state, link);
    };
    await withLock(folder, () => place().catch((error) => throwUnclaimed(state, error)));
  }

  /** Replaces the state of a start. Throws ENVIRONMENT_FAILED if another program has ended it. */
  async write(state: ClusterState): Promise<void> {
    await withLock(this.folderOf(state.name), async () => {
      if (!(await this.#isOf(state))) throw endedByAnother(state);
      await this.#put(state, rename);
    });
  }

  /** Stores the last run on a cluster, and this program as one that uses it. */
  async noteRun(name: string, lastRun: NonNullable<ClusterState['lastRun']>): Promise<void> {
    await withLock(this.folderOf(name), async () => {
      const state = await this.read(name);
      if (state === undefined) return;
      const programs = [...othersAlive(state.programs ?? []), thisProgram()];
      await this.#put({ ...state, programs, lastRun }, rename);
    });
  }

  /** Removes the state of a start, so that only one program ends it. Returns whether the state existed. */
  async take(start: ClusterStart): Promise<boolean> {
    return withLock(this.folderOf(start.name), async () => {
      const isKnown = await this.#isOf(start);
      if (isKnown) await rm(this.#fileOf(start.name));
      return isKnown;
    });
  }

  /** Removes the files of earlier starts. Keeps the state of this one and the logs. */
  async removeLeftovers(start: ClusterStart): Promise<void> {
    await withLock(this.folderOf(start.name), async () => {
      if (!(await this.#isOf(start))) throw endedByAnother(start);
      await this.#removeAllBut(start.name, [STATE_FILE, LOGS]);
    });
  }

  /** Removes the files of a name without a state. `keepLogs` keeps its logs for diagnosis. */
  async clear(name: string, { keepLogs }: { readonly keepLogs: boolean }): Promise<void> {
    const folder = this.folderOf(name);
    await withLock(folder, async () => {
      const entries = await readdir(folder).catch((): string[] => []);
      if (entries.includes(STATE_FILE)) return;
      if (keepLogs && entries.includes(LOGS)) await this.#removeAllBut(name, [LOGS]);
      else await rm(folder, { recursive: true, force: true });
    });
  }

  /** Removes the logs of starts that failed more than a day ago. */
  async dropOldLogs(): Promise<void> {
    for (const name of await this.names()) {
      const { mtimeMs } = await stat(this.folderOf(name)).catch(() => ({ mtimeMs: Date.now() }));
      if (mtimeMs <= Date.now() - KEEP_LOGS_MS) await this.clear(name, { keepLogs: false });
    }
  }

  #fileOf(name: string): string {
    return join(this.folderOf(name), STATE_FILE);
  }

  async #isOf({ name, startId }: ClusterStart): Promise<boolean> {
    return (await this.read(name))?.startId === startId;
  }

  /** Writes a temporary file and moves it into place, so that readers never see a partial file. */
  async #put(state: ClusterState, place: (from: string, to: string) => Promise<void>): Promise<void> {
    const unfinished = `${this.#fileOf(state.name)}.unfinished`;
    await writeFile(unfinished, `${JSON.stringify(state, undefined, 2)}\n`);
    try {
      await place(unfinished, this.#fileOf(state.name));
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  async #removeAllBut(name: string, kept: readonly string[]): Promise<void> {
    const folder = this.folderOf(name);
    for (const entry of await readdir(folder))
      if (!kept.includes(entry)) await rm(join(folder, entry), { recursive: true, force: true });
  }
}

function throwUnclaimed({ name }: ClusterStart, error: NodeJS.ErrnoException): never {
  const isTaken = error.code === 'EEXIST';
  throw environmentFailed(
    isTaken
      ? `cluster ${name} is being started or used by another program`
      : `cluster ${name} could not be created: ${error.message}`,
    `wait for it, end it with: openclaw-rl down --name ${name}, or choose another --name`,
  );
}

/** The error of a start whose cluster another program has ended. */
export function endedByAnother({ name }: ClusterStart): OpenclawError {
  return environmentFailed(
    `cluster ${name} was ended by another program while it was being started`,
    `start it again with: openclaw-rl up --name ${name}`,
  );
}

const NAME = /^[a-z0-9][a-z0-9-]{0,40}$/;

function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw invalidOption(`a cluster name must be 1 to 41 characters of a-z, 0-9 and -; found ${quoted(name)}`);
}
