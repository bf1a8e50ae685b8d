import { link, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenclawError, quoted } from '../core/errors.ts';
import { type ClusterState, readState } from './cluster-state.ts';
import { exclusively } from './exclusively.ts';
import { makeFolders } from './make-folders.ts';

/** One start of a cluster. */
export type ClusterStart = Pick<ClusterState, 'name' | 'startId'>;

const STATE = 'state.json';
const LOGS = 'logs';
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

  /** Throws ENVIRONMENT_FAILED when the folder is there and cannot be read. */
  async names(): Promise<string[]> {
    const entries = await readdir(this.folder, { withFileTypes: true }).catch((error) => {
      if (['ENOENT', 'ENOTDIR'].includes(error.code)) return [];
      throw new OpenclawError('ENVIRONMENT_FAILED', `${this.folder} cannot be read: ${error.code}`, {
        hint: 'make it readable, or set OPENCLAW_RL_STATE to another folder',
      });
    });
    return entries.filter((entry) => entry.isDirectory() && NAME.test(entry.name)).map(({ name }) => name);
  }

  /** Undefined when there is none; throws ENVIRONMENT_FAILED when the file cannot be read or understood. */
  async read(name: string): Promise<ClusterState | undefined> {
    return readState(this.#fileOf(name), name);
  }

  /** Claims a name: throws ENVIRONMENT_FAILED when it is taken, also by a program that does so at this moment. */
  async create(state: ClusterState): Promise<void> {
    const folder = this.folderOf(state.name);
    const place = async () => {
      await makeFolders(folder);
      await this.#put(state, link);
    };
    await exclusively(folder, () => place().catch((error) => throwUnclaimed(state, error)));
  }

  /** Replaces the state of a start. Throws ENVIRONMENT_FAILED when another program has ended it. */
  async write(state: ClusterState): Promise<void> {
    await exclusively(this.folderOf(state.name), async () => {
      if (!(await this.#isOf(state))) throw endedByAnother(state);
      await this.#put(state, rename);
    });
  }

  /** Remembers the last run on a cluster. */
  async noteRun(name: string, lastRun: NonNullable<ClusterState['lastRun']>): Promise<void> {
    await exclusively(this.folderOf(name), async () => {
      const state = await this.read(name);
      if (state !== undefined) await this.#put({ ...state, lastRun }, rename);
    });
  }

  /** Forgets a start, so that only one program ends it. Gives whether it was known. */
  async take(start: ClusterStart): Promise<boolean> {
    return exclusively(this.folderOf(start.name), async () => {
      const isKnown = await this.#isOf(start);
      if (isKnown) await rm(this.#fileOf(start.name));
      return isKnown;
    });
  }

  /** Removes what earlier starts have left beside the state of this one, but for logs. */
  async removeLeftovers(start: ClusterStart): Promise<void> {
    await exclusively(this.folderOf(start.name), async () => {
      if (!(await this.#isOf(start))) throw endedByAnother(start);
      await this.#removeAllBut(start.name, [STATE, LOGS]);
    });
  }

  /** Removes the files of a name that nobody has; `keepLogs` for the person who has to find out what went wrong. */
  async clear(name: string, { keepLogs }: { readonly keepLogs: boolean }): Promise<void> {
    const folder = this.folderOf(name);
    await exclusively(folder, async () => {
      const entries = await readdir(folder).catch((): string[] => []);
      if (entries.includes(STATE)) return;
      if (keepLogs && entries.includes(LOGS)) await this.#removeAllBut(name, [LOGS]);
      else await rm(folder, { recursive: true, force: true });
    });
  }

  /** Removes the logs of clusters that failed more than a day ago. */
  async dropOldLogs(): Promise<void> {
    for (const name of await this.names()) {
      const { mtimeMs } = await stat(this.folderOf(name)).catch(() => ({ mtimeMs: Date.now() }));
      if (mtimeMs <= Date.now() - KEEP_LOGS_MS) await this.clear(name, { keepLogs: false });
    }
  }

  #fileOf(name: string): string {
    return join(this.folderOf(name), STATE);
  }

  async #isOf({ name, startId }: ClusterStart): Promise<boolean> {
    return (await this.read(name))?.startId === startId;
  }

  /** Written beside and put in its place: whoever looks sees all of it or nothing. */
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
  throw new OpenclawError(
    'ENVIRONMENT_FAILED',
    isTaken
      ? `cluster ${name} is being started or used by another program`
      : `cluster ${name} cannot be claimed: ${error.message}`,
    { hint: `wait for it, end it with: openclaw-rl down --name ${name}, or choose another --name` },
  );
}

/** What a program is told whose cluster is gone from under it. */
export function endedByAnother({ name }: ClusterStart): OpenclawError {
  return new OpenclawError(
    'ENVIRONMENT_FAILED',
    `cluster ${name} was ended by another program while it was being started`,
    { hint: `start it again with: openclaw-rl up --name ${name}` },
  );
}

const NAME = /^[a-z0-9][a-z0-9-]{0,40}$/;

function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a cluster's name is 1 to 41 of a-z, 0-9 and -; found ${quoted(name)}`,
  );
}
