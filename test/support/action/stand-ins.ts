import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What GitHub keeps between jobs, as folders. */
export interface Kept {
  /** A folder for each key. */
  readonly cache: string;
  /** A folder for each artifact. */
  readonly artifacts: string;
}

interface StandIn {
  /** The inputs that the action has; another would be ignored by GitHub with a warning. */
  readonly inputs: readonly string[];
  readonly run: (given: Readonly<Record<string, string>>, workspace: string, kept: Kept) => void;
}

/**
 * Other actions, which cannot be run here. `checkout` and `setup-node` do nothing: the files and Node.js are there. The
 * cache and the artifacts are folders: what is a match, and that a key is written once, is as GitHub documents it.
 */
export const STAND_INS: Readonly<Record<string, StandIn>> = {
  'actions/checkout': { inputs: ['ref', 'fetch-depth'], run: () => {} },
  'actions/setup-node': { inputs: ['node-version', 'cache'], run: () => {} },
  'actions/cache/restore': {
    inputs: ['path', 'key', 'restore-keys'],
    run({ path = '', key = '', 'restore-keys': prefixes = '' }, workspace, { cache }) {
      const found = [key, ...prefixes.split('\n')]
        .filter((text) => text !== '')
        .flatMap((text) => newest(cache, text));
      if (found[0] === undefined) return;
      cpSync(join(cache, found[0]), join(workspace, path), { recursive: true });
    },
  },
  'actions/cache/save': {
    inputs: ['path', 'key'],
    run({ path = '', key = '' }, workspace, { cache }) {
      if (key.includes(',') || key.length > 512) throw new Error(`no key of a cache: ${key}`);
      if (!existsSync(join(cache, key))) place(join(workspace, path), join(cache, key));
    },
  },
  'actions/upload-artifact': {
    inputs: ['name', 'path', 'include-hidden-files'],
    run({ name = '', path = '' }, workspace, { artifacts }) {
      if (existsSync(join(artifacts, name))) throw new Error(`an artifact ${name} is there already`);
      place(join(workspace, path), join(artifacts, name));
    },
  },
};

/** The key, or of those that begin so the one that was written last. */
function newest(cache: string, text: string): string[] {
  const keys = existsSync(cache) ? readdirSync(cache).filter((key) => key.startsWith(text)) : [];
  const writtenMs = (key: string) => statSync(join(cache, key)).mtimeMs;
  return keys
    .sort((a, b) => Number(b === text) - Number(a === text) || writtenMs(b) - writtenMs(a))
    .slice(0, 1);
}

function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}
