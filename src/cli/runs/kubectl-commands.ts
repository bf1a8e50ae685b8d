import { join } from 'node:path';
import { count } from '../../core/units.ts';
import { CLOCK, type Manifest, PARTS } from '../../engines/kubernetes/manifests.ts';
import { quotedForShell } from '../output/typed-command.ts';
import type { PlannedManifests } from './plan-manifests.ts';

/** Until images are pulled and nodes form a cluster. */
const FOUNDATION_S = 300;
/** From the end of the load until its file was accepted. */
const SENDING_S = 600;

/** The commands that take `foundation.yaml` and `run.yaml` of a folder to a verdict. */
export function commandsTo(
  { foundation, measured, run, startMs, durationMs }: PlannedManifests,
  folder: string,
): string {
  const loads = jobsOf(measured);
  const file = (name: string) => quotedForShell(join(folder, name));
  const wait = (jobs: readonly string[], seconds: number) =>
    `kubectl wait --for=condition=complete --timeout=${seconds}s ${jobs.join(' ')}`;
  return [
    `# run ${run}: ${count(loads.length, 'part')}, start at ${new Date(startMs).toISOString()}`,
    `kubectl apply -f ${file('foundation.yaml')}`,
    wait(jobsOf(foundation), FOUNDATION_S),
    `kubectl apply -f ${file('run.yaml')}`,
    wait(loads, Math.ceil((startMs - Date.now() + durationMs) / 1_000) + SENDING_S),
    `kubectl cp ${CLOCK.name}:${PARTS} parts`,
    `openclaw-rl check parts/${run}/*`,
    `kubectl delete -f ${file('run.yaml')} -f ${file('foundation.yaml')}`,
    '',
  ].join('\n');
}

function jobsOf(manifests: readonly Manifest[]): string[] {
  return manifests.filter(({ kind }) => kind === 'Job').map(({ metadata }) => `job/${metadata?.name}`);
}
