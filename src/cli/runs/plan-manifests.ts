import { invalidOption } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { printable } from '../../core/printable.ts';
import { checkEnginePlan } from '../../engines/check-engine-plan.ts';
import { type DeploymentOptions, foundation, measuredServices } from '../../engines/deployment.ts';
import { CLOCK_URL, type Manifests, manifestsOf } from '../../engines/kubernetes/manifests.ts';
import { travellingFiles } from '../../engines/travelling-files.ts';
import { checkPlan } from '../../experiment/check-plan.ts';
import { checkFill } from '../../experiment/external-system.ts';
import { planDigest, runId } from '../../experiment/parts/plan-digest.ts';
import { startTime } from '../../experiment/parts/start-time.ts';
import { usersOf } from '../../experiment/play-run.ts';
import { DEFAULT_PREFIX } from '../../limiter/options/key.ts';
import type { Plan } from '../../scenario/plan.ts';
import { readLoad } from '../files/read-load.ts';
import { readNodes, topologyOf } from '../files/read-nodes.ts';
import { type Instead, readScenario } from '../files/read-scenario.ts';
import type { Environment } from '../process/environment.ts';

export interface ManifestFlags extends Instead {
  readonly endpoints?: string;
  readonly allowEviction?: true;
  /** As typed. */
  readonly startAt: string;
  readonly run: string;
  readonly image: string;
  readonly secret: string;
}

export interface PlannedManifests extends Manifests {
  /** Its id. */
  readonly run: string;
  readonly startMs: number;
  readonly durationMs: number;
}

/** Images are pulled, and nodes form a cluster, before services start and warm up. */
const LEAST_AHEAD_MS = 30_000;

/** The objects of one run of a scenario, whose parts start together. Throws INVALID_OPTION, INVALID_SCENARIO. */
export async function planManifests(
  scenario: string,
  flags: ManifestFlags,
  environment: Environment,
): Promise<PlannedManifests> {
  const { run: name, image, secret } = flags;
  const { plan: read, options } = await readPlan(scenario, flags, environment);
  const { plan, recorded } = await readLoad(read, environment);
  const startMs = startTime(flags.startAt, { nowMs: Date.now(), leastMs: LEAST_AHEAD_MS });
  const { files, plugin } = await travellingFiles(plan);
  const { regions } = plan.topology;
  const users = usersOf({ plan, ...given({ recorded }) });
  const run = runId(planDigest({ plan, users, of: regions, ...given({ recorded, plugin }) }), startMs, name);
  const measured = measuredServices(plan, {
    ...options,
    ...{ files, run: name, clockUrl: CLOCK_URL, prefix: `${DEFAULT_PREFIX}:${run}` },
    startAt: new Date(startMs).toISOString(),
  });
  const manifests = manifestsOf({ foundation: foundation(plan, options), measured }, { run, image, secret });
  return { ...manifests, run, startMs, durationMs: plan.load.durationMs };
}

async function readPlan(
  scenario: string,
  { run, endpoints, allowEviction, ...instead }: ManifestFlags,
  environment: Environment,
): Promise<{ readonly plan: Plan; readonly options: DeploymentOptions }> {
  const { seed, strategy, onFailure, instances } = instead;
  const plan = await readScenario(scenario, given({ seed, strategy, onFailure, instances }), environment);
  checkFaults(plan);
  const found = endpoints === undefined ? undefined : await readNodes(endpoints, environment);
  checkEnginePlan(plan, { areNodesOurs: found === undefined });
  if (found === undefined) {
    checkPlan({ plan, provider: 'local' });
    return { plan, options: { name: run } };
  }
  checkFill(plan);
  const placed = { ...plan, topology: topologyOf(found.endpoints) };
  checkPlan({ plan: placed, provider: 'local', startsNodes: false });
  return { plan: placed, options: { name: run, ...found, ...given({ allowsEviction: allowEviction }) } };
}

function checkFaults({ faults, scenario }: Plan): void {
  if (faults.length === 0) return;
  throw invalidOption(
    `${printable(scenario)} has faults, and manifests inject none`,
    'take a scenario without faults, and break the system by commands of your own meanwhile',
  );
}
