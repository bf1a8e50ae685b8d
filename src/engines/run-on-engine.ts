import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckReport } from '../checker/check.ts';
import { environmentFailed, OpenclawError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { count } from '../core/units.ts';
import { latenciesOf } from '../experiment/judge-run.ts';
import { busiestBuckets, writePlan } from '../experiment/plan-file.ts';
import { playRun } from '../experiment/play-run.ts';
import type { RunResult } from '../experiment/run.ts';
import { interruption } from '../regions/waiting.ts';
import { type ClockOfRun, openClock, PARTS } from './clock-of-run.ts';
import { byName, type Deployment, foundation } from './deployment.ts';
import type { Engine } from './engine.ts';
import type { EngineRun, EngineRunOptions, OnEngine } from './engine-run.ts';
import { measure } from './measure.ts';
import { TaskWatch } from './task-watch.ts';

/**
 * One run whose parts an engine places where the regions are: deploys, waits for the parts, plays the faults by commands
 * from here, removes all of it, judges the parts as one run.
 */
export async function runOnEngine(options: EngineRunOptions): Promise<RunResult> {
  return playRun(options, async (run) => {
    const { plan, users, folder, engine, cleanup } = run;
    await writePlan(folder, plan, users);
    const clock = await openClock({ ...run.clock, folder, cleanup });
    const deployed = deployedBy(run, clock);
    cleanup.add(
      `remove ${run.name}`,
      () => removeAll(engine),
      () => engine.kill(),
    );
    cleanup.add('keep the logs of the services', deployed.keepLogs);
    const onEngine = { clock, tasks: new TaskWatch(engine), deploy: deployed.deploy };
    await layFoundation(run, onEngine);
    const files = await measure(run, onEngine);
    run.report('tear down', { detail: `keeping the logs, removing ${run.name}` });
    await deployed.keepLogs();
    await engine.remove().catch(() => {}); // the cleanup says so
    run.report('check');
    const check = await judge(run, files);
    return {
      ...{ check, latencies: latenciesOf(check), loadMs: plan.load.durationMs },
      ...{ loadProcesses: plan.topology.regions.length, system: engine.description },
    };
  });
}

/** Rejects with the way out in its message, too. */
async function removeAll(engine: Engine): Promise<void> {
  await engine.remove().catch((error: unknown) => {
    if (!(error instanceof OpenclawError) || error.hint === undefined) throw error;
    throw new Error(`${error.message}; ${error.hint}`);
  });
}

/** What was deployed so far, and the logs of it. */
function deployedBy({ engine, secrets, folder }: EngineRun, { token }: ClockOfRun) {
  let all: Deployment | undefined;
  let isKept = false;
  return {
    async deploy(deployment: Deployment) {
      const { name, services, files } = deployment;
      all = {
        name,
        services: [...(all?.services ?? []), ...services],
        files: { ...all?.files, ...files },
      };
      await engine.deploy({ deployment: all, secrets: { ...secrets, OPENCLAW_RL_TOKEN: token } });
      return all.services;
    },
    /** Once; without an error of its own. */
    async keepLogs() {
      if (isKept || all === undefined) return;
      isKept = true;
      const logs = join(folder, 'logs');
      await mkdir(logs, { recursive: true }).catch(() => {}); // a full disk
      for (const { name } of all.services) {
        const text = await engine.log(name).catch((error: Error) => `no log: ${error.message}\n`);
        await writeFile(join(logs, `${name}.log`), text).catch(() => {});
      }
    },
  };
}

/** An image may have to be pulled. */
const FOUNDATION_MS = 600_000;
const LOOK_EVERY_MS = 500;

/** Starts Redis nodes that form one cluster, or looks from each region at those that run already. Throws ENVIRONMENT_FAILED. */
async function layFoundation(run: EngineRun, { tasks, deploy }: OnEngine): Promise<void> {
  const { plan, name, found, engine, report, signal, folder } = run;
  const deployment = foundation(plan, { name, ...found, host: byName });
  const { services } = deployment;
  report('provision', { detail: `deploying ${count(services.length, 'service')} on ${engine.description}` });
  await deploy(deployment);
  const deadlineMs = performance.now() + FOUNDATION_MS;
  let last = '';
  for (;;) {
    if (signal.aborted) throw interruption(signal, 'waiting for the services');
    await tasks.look();
    const [failed] = tasks.ended(services);
    if (failed !== undefined)
      throw environmentFailed(
        await tasks.describe(failed.task),
        `its log: ${printable(join(folder, 'logs', `${failed.service.name}.log`))}`,
      );
    if (services.every(({ name, isJob }) => tasks.of(name)?.state === (isJob ? 'done' : 'running'))) return;
    const progress = tasks.progress(services);
    if (progress !== last) report('provision', { detail: progress });
    last = progress;
    if (performance.now() > deadlineMs)
      throw environmentFailed(`waited ${FOUNDATION_MS / 1_000} s for the services: ${progress}`);
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

async function judge(run: EngineRun, files: readonly string[]): Promise<CheckReport> {
  const { plan, users, promise, folder } = run;
  const by = { plan, busiest: busiestBuckets(plan, users), problems: [], ...(promise && { promise }) };
  const check = await run.judge(files, by);
  if (check !== undefined) return check;
  throw new OpenclawError('INTERRUPTED', 'interrupted while the run was judged', {
    hint: `judge its parts: openclaw-rl check ${printable(join(folder, PARTS))}/*/*`,
  });
}
