// The commit that a release is made of.
import { execFileSync } from 'node:child_process';

/**
 * The commit of a work tree: its id, its time, and the files that differ from it. Undefined outside a repository of git.
 */
export function commitOf(folder) {
  const git = (...args) =>
    execFileSync('git', args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, GIT_OPTIONAL_LOCKS: '0' }, // reads only, while others work here
    }).trim();
  try {
    const [revision, seconds] = git('log', '-1', '--format=%H %ct').split(' ');
    const changed = git('status', '--porcelain').split('\n').filter(Boolean);
    return { revision, time: new Date(1_000 * Number(seconds)), changed };
  } catch {
    return undefined;
  }
}
