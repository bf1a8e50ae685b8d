import { join } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import { given } from '../core/given.ts';
import { describeLoad } from '../experiment/describe-load.ts';
import { makeHeader } from '../experiment/header.ts';
import { HistoryFile } from '../experiment/history-file.ts';
import { latenciesOf } from '../experiment/judge-run.ts';
import { shapeOf, writePlan } from '../experiment/plan-file.ts';
import { playRun } from '../experiment/play-run.ts';
import { endHistory, openTallies, recordDropped } from '../experiment/recording.ts';
import { judge, type RunResult } from '../experiment/run.ts';
import type { Run, RunOptions } from '../experiment/run-context.ts';
import { cheapShapeOf, DRAIN_MS, warmUpUsers } from '../experiment/warm-up.ts';
import { Recorder } from '../load/recorder.ts';
import type { RoleEvent } from '../regions/cluster/role-watch.ts';
import { FaultyRun } from './faulty-run.ts';
import { SimulatedLoad } from './load/simulated-load.ts';
import { roleRecord, watchClocks } from './watch.ts';
import { openWorld, type World, type WorldOptions } from './world.ts';

/** A run without a system: it is simulated. */
export interface SimulationOptions
  extends Omit<RunOptions, 'provide' | 'part' | 'loadProgram'>,
    Omit<WorldOptions, 'plan'> {}

type SimulatedRun = Omit<Run, 'provide'> & Omit<WorldOptions, 'plan'>;

const SLICE_US = 100_000;
const REPORT_EVERY_US = 1_000_000;
const WARM_UP_MS = 1_000;

/** The history of more operations is read by another thread while the load runs: to start it takes a tenth of a second. */
const MOST_HELD = 20_000;

/**
 * One run of a plan in virtual time, in this process: the strategies, their scripts, the load and the judgement are the real
 * ones; nodes, network and services are models. The same plan gives the same history, byte for byte.
 */
export async function simulatePlan(options: SimulationOptions): Promise<RunResult> {
  return playRun(options, async (run) => {
    await writePlan(run.folder, run.plan, run.users);
    const { written, ...measured } = await record(run);
    run.report('check');
    const judged = await judge(run, written);
    const system = 'nodes, network and services in virtual time';
    return { ...judged, latencies: latenciesOf(judged.check), ...measured, loadProcesses: 1, system };
  });
}

async function record(run: SimulatedRun) {
  const { folder, signal, judgeApart } = run;
  run.report('provision', { detail: 'simulated nodes and services' });
  let onRole = (_event: RoleEvent) => {};
  const world = await openWorld(run, (event) => onRole(event));
  const { time, topology } = world;
  run.report('warm up');
  await warmUp(world, run);
  throwIfAborted(signal);

  const originUs = time.nowUs;
  const stop = new AbortController();
  const startedAt = new Date(time.dateUs(originUs) / 1_000);
  const header = makeHeader({ ...run, startedAt, simulated: true }, { initial: 'full', regions: topology });
  const path = join(folder, 'history.ndjson');
  const history = new HistoryFile(
    path,
    header,
    () => stop.abort(),
    judgeApart?.follow === undefined ? judgeApart?.above : Math.min(judgeApart.above, MOST_HELD),
    () => judgeApart?.follow?.(path),
  );
  onRole = (event) => history.add(roleRecord(event, originUs));
  const recorded = await recordLoad(world, run, history, stop).catch((error) => closed(history, error));
  const { recorder, ...measured } = recorded;
  const written = await endHistory(history, recorder, run);
  return { written, originAt: startedAt.toISOString(), ...measured };
}

/** Runs the load with its faults, heals and settles. An abort of `stop` ends the load. */
async function recordLoad(world: World, run: SimulatedRun, history: HistoryFile, stop: AbortController) {
  const { plan, signal, problems } = run;
  const { time, nodes, topology } = world;
  const originUs = time.nowUs;
  const callsBefore = world.redisCalls();
  const { tally, ages } = openTallies(run, () => time.nowUs / 1_000);
  const recorder = new Recorder(
    (operation) => {
      history.add(operation);
      ages?.add(operation);
      tally.add(operation);
    },
    undefined,
    { nowUs: () => time.nowUs, originUs },
  );
  const clocks = watchClocks(world, recorder, history);
  const load = loadOf(world, run, recorder);
  const faults = new FaultyRun(world, run, history);
  run.report('load', { detail: describeLoad(run) });
  faults.start(() => stop.abort());
  load.start();
  const isCut = () => signal.aborted || stop.signal.aborted;
  await play(world, run, isCut, () => ({
    atMs: recorder.nowUs() / 1_000,
    ofMs: plan.load.durationMs,
    faults: faults.inForce,
    ...tally.look(),
  }));
  load.stop({ isEarly: isCut() });
  await load.drain(DRAIN_MS, signal.aborted ? 'INTERRUPTED' : 'LOAD_ENDED');
  const redisCalls = plan.limiter === undefined ? world.redisCalls() - callsBefore : undefined;
  problems.push(...(await faults.end()));
  clocks.stop();
  nodes.end();
  recordDropped(recorder, history);
  for (const event of ages?.records(Math.ceil(recorder.nowUs())) ?? []) history.add(event);
  const silent = topology.nodes.filter(({ name }) => !nodes.answers(name)).map(({ name }) => name);
  if (silent.length > 0) problems.push(`not responding at the end of the run: ${silent.join(', ')}`);
  return { recorder, loadMs: load.sentForMs, ...given({ redisCalls }) };
}

/** Keeps what was recorded until a failure, without an end. */
async function closed(history: HistoryFile, error: unknown): Promise<never> {
  await history.close().catch(() => {}); // there is an error already
  throw error;
}

/** Runs the load to its end, in slices: a signal ends it between two of them. */
async function play(
  { time }: World,
  { plan, report }: SimulatedRun,
  isCut: () => boolean,
  look: () => NonNullable<NonNullable<Parameters<SimulatedRun['report']>[1]>['load']>,
): Promise<void> {
  const startedUs = time.nowUs;
  const endUs = startedUs + plan.load.durationMs * 1_000;
  for (let reportUs = startedUs + REPORT_EVERY_US; time.nowUs < endUs && !isCut(); ) {
    await time.runUntil(Math.min(endUs, time.nowUs + SLICE_US));
    if (time.nowUs < reportUs) continue;
    report('load', { load: look() });
    reportUs += REPORT_EVERY_US;
  }
}

/** Opens the connections of the services, by requests to buckets that are not judged. */
async function warmUp(world: World, { plan }: SimulatedRun): Promise<void> {
  const { time } = world;
  const cheap = cheapShapeOf(plan);
  const { instances = 1 } = plan;
  const shape = { ...cheap, mode: 'closed' as const, connections: 2 * instances * cheap.regions.length };
  const recorder = new Recorder(() => {}, undefined, { nowUs: () => time.nowUs });
  const { services } = world;
  const load = new SimulatedLoad({
    ...{ time, shape, users: warmUpUsers(shape), services, instances, recorder },
    durationMs: WARM_UP_MS,
  });
  load.start();
  await time.runUntil(time.nowUs + WARM_UP_MS * 1_000);
  load.stop({ isEarly: false });
  await load.drain(DRAIN_MS);
}

function loadOf({ time, services }: World, { plan, users, recorded }: SimulatedRun, recorder: Recorder) {
  const { instances = 1, load } = plan;
  return new SimulatedLoad({
    ...{ time, shape: shapeOf(plan), users, services, instances, recorder, recorded },
    durationMs: load.durationMs,
  });
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted before any load was simulated');
}
