import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { docker, lastLine } from './docker.ts';
import { listContainers, type Owner } from './owned-containers.ts';

const TAIL = 20;

/**
 * Saves the end of the logs of the containers that should run and do not, a file each in `logs/` of the cluster, since
 * they are about to be removed. Gives a sentence for each: how it ended and its last words.
 */
export async function keepLogs(owner: Required<Owner>): Promise<string[]> {
  const containers = await listContainers(owner);
  const down = containers.filter(({ state, program }) => state !== 'running' && program === '');
  return Promise.all(
    down.map(async ({ id, state, role }) => {
      const [log, end] = await Promise.all([
        docker(['logs', '--tail', String(TAIL), id], { withErrors: true }),
        docker(['inspect', '--format', '{{.State.ExitCode}} {{.State.Error}}', id]),
      ]);
      const file = join(owner.cluster, 'logs', `${role}-${id.slice(0, 8)}.log`);
      await writeFile(file, `${log}\n`);
      const words = lastLine(log) && `: ${lastLine(log)}`;
      return `${role} is ${state} (${end.trim()})${words}; its log: ${file}`;
    }),
  );
}
