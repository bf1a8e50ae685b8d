import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { startOwned } from '../processes/owned-processes.ts';
import type { Topology } from '../topology.ts';
import { interruption, until } from '../until.ts';
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

/** Images may have to be pulled. */
const START_MS = 600_000;

/**
 * Has Compose start every container, and waits until all run. Compose is a process with the cluster's mark: whoever ends
 * the cluster ends it first, also when this program was killed meanwhile. Throws ENVIRONMENT_FAILED in Compose's words.
 */
export async function composeUp(start: ComposeStart, signal: AbortSignal): Promise<void> {
  const { cluster, startId, project, subnet, images, topology } = start;
  const file = join(cluster, 'compose.yaml');
  const logFile = join(cluster, 'logs', 'compose.log');
  await writeFile(file, composeFile(topology));
  await writeFile(logFile, ''); // of an earlier try, on another subnet
  if (signal.aborted) throw interruption(signal, 'the containers were about to be started');
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
      COMPOSE_COMPATIBILITY: '0', // else the names of containers have other separators
    },
  });
  await until('the containers to be started', START_MS, signal, async () =>
    ended.aborted ? undefined : `see ${logFile}`,
  );
  const expected = 2 * topology.regions.length + topology.nodes.length;
  const running = (await listContainers(start)).filter(({ state }) => state === 'running');
  if (running.length === expected) return;
  const log = await readFile(logFile, 'utf8').catch(() => '');
  const hint = hintFor(log);
  throw new OpenclawError(
    'ENVIRONMENT_FAILED',
    `${running.length} of ${expected} containers run; ${logFile} ends: ${lastLine(log)}`,
    hint === undefined ? {} : { hint },
  );
}
