import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentFailed } from '../../core/errors.ts';
import { everyServer, type Topology } from '../../topology/topology.ts';
import { startOwned } from '../processes/owned-processes.ts';
import { interruption, waitFor } from '../waiting.ts';
import { COMPOSE_VARIABLES, composeFile } from './compose-file.ts';
import { hintFor, lastLine } from './docker.ts';
import type { Images } from './images.ts';
import { listContainers, type Owner } from './owned-containers.ts';

export interface ComposeStart extends Required<Owner> {
  readonly project: string;
  readonly subnet: string;
  readonly images: Images;
  readonly topology: Topology;
}

/** Long enough to pull the images. */
const START_MS = 600_000;

/**
 * Starts every container with Compose and waits until all are running. Compose runs with the cluster's mark, so ending
 * the cluster ends Compose first, even if this program was killed. Throws ENVIRONMENT_FAILED with Compose's message.
 */
export async function composeUp(start: ComposeStart, signal: AbortSignal): Promise<void> {
  const { cluster, startId, project, subnet, images, topology } = start;
  const file = join(cluster, 'compose.yaml');
  const logFile = join(cluster, 'logs', 'compose.log');
  await writeFile(file, composeFile(topology));
  await writeFile(logFile, ''); // drop the log of an earlier subnet
  if (signal.aborted) throw interruption(signal, 'starting the containers');
  const ended = startOwned({
    command: 'docker',
    args: ['compose', '--project-name', project, '--file', file, 'up', '--detach', '--quiet-pull'],
    cluster,
    startId,
    role: 'compose',
    cwd: cluster,
    logFile,
    env: {
      [COMPOSE_VARIABLES.cluster]: cluster,
      [COMPOSE_VARIABLES.start]: startId,
      [COMPOSE_VARIABLES.subnet]: subnet,
      [COMPOSE_VARIABLES.redis]: images.redis,
      [COMPOSE_VARIABLES.toxiproxy]: images.toxiproxy,
      COMPOSE_PARALLEL_LIMIT: '-1',
      COMPOSE_COMPATIBILITY: '0', // else container names have other separators
    },
  });
  await waitFor('the containers to be started', START_MS, signal, async () =>
    ended.aborted ? undefined : `see ${logFile}`,
  );
  const expected = 2 * topology.regions.length + everyServer(topology).length;
  const running = (await listContainers(start)).filter(({ state }) => state === 'running');
  if (running.length === expected) return;
  const log = await readFile(logFile, 'utf8').catch(() => '');
  const hint = hintFor(log);
  throw environmentFailed(
    `only ${running.length} of ${expected} containers are running; ${logFile} ends: ${lastLine(log)}`,
    hint,
  );
}
