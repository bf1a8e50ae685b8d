import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import { given } from '../core/given.ts';
import { ClockPings } from '../experiment/parts/clock-pings.ts';
import { machineId } from '../experiment/parts/machine-id.ts';
import { planDigest, runId } from '../experiment/parts/plan-digest.ts';
import { cannotWrite } from '../experiment/run-folder.ts';
import type { Part } from '../history/records/part.ts';
import { DEFAULT_PREFIX } from '../limiter/options/key.ts';
import { PARTS } from './clock-of-run.ts';
import { collectParts, moreTime } from './collect-parts.ts';
import { CONTROL_FILE, ControlPart } from './control-part.ts';
import { byName, measuredServices } from './deployment.ts';
import type { EngineRun, OnEngine } from './engine-run.ts';

/**
 * Deploys gateways, Rating services and load, which all start at one time, and plays the faults meanwhile. Gives the files
 * of the parts that came, and of the control part. Throws ENVIRONMENT_FAILED if none came, and INTERRUPTED.
 */
export async function measure(run: EngineRun, onEngine: OnEngine): Promise<string[]> {
  const {
    plan,
    promise,
    users,
    recorded,
    plugin,
    name,
    leadMs,
    files,
    found,
    folder,
    signal,
    problems,
    cleanup,
  } = run;
  const { url } = onEngine.clock;
  const of = plan.topology.regions; // one part each
  const digest = planDigest({ plan, users, of, ...given({ recorded, plugin }) });
  const pings = await ClockPings.start(url, signal);
  const { us, wallMs } = pings.first;
  const startMs = 1_000 * Math.ceil((wallMs + leadMs) / 1_000);
  const id = runId(digest, startMs, name);
  const file = join(folder, PARTS, id, CONTROL_FILE);
  const stop = new AbortController();
  await mkdir(dirname(file), { recursive: true }).catch(async (error: unknown) => {
    await pings.stop();
    throw cannotWrite(folder, error);
  });
  const part: Part = { run: id, plan: digest, name: 'control', kind: 'control', of, machine: machineId() };
  const onFailure = () => stop.abort();
  const control = new ControlPart({ ...run, file, part, pings, startedAt: new Date(startMs), onFailure });
  cleanup.add('heal every fault', async () => {
    const left = (await control.faults?.end()) ?? [];
    if (left.length > 0) throw new Error(left.join('; '));
  });
  try {
    const deployment = measuredServices(plan, {
      ...{ name, run: name, files, clockUrl: url, prefix: `${DEFAULT_PREFIX}:${id}` },
      ...{ startAt: new Date(startMs).toISOString(), hasControl: true },
      ...{ ...found, host: byName, ...given({ promise }) },
    });
    const services = await onEngine.deploy(deployment);
    const startUs = pings.localUs(us + 1_000 * (startMs - wallMs));
    const parts = await collectParts(run, onEngine, { services, id, startMs, startUs, control, stop });
    await control.end(problems);
    if (parts.length > 0) return [...parts, file];
    throw signal.aborted
      ? new OpenclawError('INTERRUPTED', 'interrupted before a part of the run was received', {
          hint: 'parts send what they recorded once their load is over; for a shorter one: --duration, or load.duration',
        })
      : nothingCame(run);
  } catch (error) {
    await control.abandon();
    throw error;
  }
}

function nothingCame(run: EngineRun): OpenclawError {
  const { problems, folder } = run;
  return new OpenclawError('ENVIRONMENT_FAILED', `no part of the run came: ${problems.join('; ')}`, {
    hint: `see the logs in ${join(folder, 'logs')}; ${moreTime(run)}`,
  });
}
