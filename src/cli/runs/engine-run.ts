import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { explainClaim } from '../../checker/claims/claim.ts';
import { given } from '../../core/given.ts';
import { printable } from '../../core/printable.ts';
import { checkClockHost } from '../../engines/clock-of-run.ts';
import { countContainers } from '../../engines/deployment.ts';
import type { EngineRunOptions } from '../../engines/engine-run.ts';
import { runOnEngine } from '../../engines/run-on-engine.ts';
import { openSwarm } from '../../engines/swarm/swarm.ts';
import { travellingFiles } from '../../engines/travelling-files.ts';
import { checkPlan } from '../../experiment/check-plan.ts';
import { makeRunFolder } from '../../experiment/run-folder.ts';
import { lookAtPart } from '../files/look-at-part.ts';
import { DEFAULT_LEAD_S } from '../flags/engine-options.ts';
import type { RunFlags } from '../flags/run-options.ts';
import type { Environment } from '../process/environment.ts';

export { runOnEngine };

type Prepared = Pick<
  EngineRunOptions,
  | 'plan'
  | 'folder'
  | 'startedAt'
  | 'name'
  | 'engine'
  | 'found'
  | 'files'
  | 'plugin'
  | 'secrets'
  | 'leadMs'
  | 'clock'
>;

/**
 * Checks a plan and the machines of its engine, explains its claims, and makes the folder of the run. Deploys nothing.
 * Throws INVALID_OPTION, INVALID_CLAIM, and ENVIRONMENT_FAILED.
 */
export async function prepareEngineRun(
  { plan, found, flags }: Pick<EngineRunOptions, 'plan' | 'found'> & { readonly flags: RunFlags },
  environment: Environment,
): Promise<Prepared> {
  const { cwd, env, interrupt, log } = environment;
  const { reports, lead = DEFAULT_LEAD_S, clockHost, allowEviction } = flags;
  const startedAt = new Date();
  for (const claim of checkPlan({ plan, provider: 'local', startsNodes: false }))
    log(`claim: ${printable(explainClaim(claim))}\n`);
  if (plan.load.processes !== undefined)
    log('note: load.processes has no effect on an engine: one process sends the load of each region\n');
  if (clockHost !== undefined) await checkClockHost(clockHost.host);
  const travelling = await travellingFiles(plan);
  const name = `openclaw-${randomBytes(4).toString('hex')}`;
  const { regions } = plan.topology;
  const engine = await openSwarm({
    ...{ name, regions, env, signal: interrupt },
    containers: countContainers(plan, found?.endpoints),
    onProgress: (what: string) => log(`${what}\n`),
  });
  const folder = await makeRunFolder(resolve(cwd, reports), startedAt, `${plan.scenario}-${plan.seed}`);
  return {
    ...{ plan, folder, startedAt, name, engine, ...travelling, leadMs: 1_000 * lead },
    ...(found && { found: { ...found, ...given({ allowsEviction: allowEviction }) } }),
    clock: { host: engine.address, ...clockHost, look: lookAtPart },
    secrets: found === undefined ? {} : secretsOf(env),
  };
}

const LOGINS = ['REDIS_USERNAME', 'REDIS_PASSWORD', 'SENTINEL_USERNAME', 'SENTINEL_PASSWORD'];

function secretsOf(env: Environment['env']): Record<string, string> {
  return Object.fromEntries(
    LOGINS.flatMap((name) => {
      const value = env[name];
      return value ? [[name, value]] : [];
    }),
  );
}
