import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { ClusterStore } from './cluster-store.ts';

/** The name of a cluster without `--name`. */
export const DEFAULT_CLUSTER = 'default';

/** The clusters of this user: in OPENCLAW_RL_STATE (relative to `cwd`), else XDG_STATE_HOME, else ~/.local/state. */
export function clusterStore(place: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}): ClusterStore {
  const { env } = place;
  const base =
    env.OPENCLAW_RL_STATE || join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'openclaw-rl');
  return new ClusterStore(realFolder(isAbsolute(base) ? base : resolve(place.cwd, base)));
}

/** The real path of a folder, also of one that does not exist yet. Marks of processes contain it. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    const parent = dirname(folder);
    return parent === folder ? folder : join(realFolder(parent), basename(folder));
  }
}
