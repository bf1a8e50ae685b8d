import { OpenclawError } from '../core/errors.ts';
import { given } from '../core/given.ts';
import { BucketSample } from '../experiment/bucket-sample.ts';
import { describeLoad } from '../experiment/describe-load.ts';
import { makeHeader } from '../experiment/header.ts';
import type { HistoryFile } from '../experiment/history-file.ts';
import { shapeOf } from '../experiment/plan-file.ts';
import { problemsOf, recordProblems } from '../experiment/record-problems.ts';
import { openTallies, recordDropped } from '../experiment/recording.ts';
import type { Run } from '../experiment/run-context.ts';
import { cheapShapeOf, DRAIN_MS, warmUpUsers } from '../experiment/warm-up.ts';
import type { Header } from '../history/records/operation.ts';
import { Recorder } from '../load/recorder.ts';
import type { RoleEvent } from '../regions/cluster/role-watch.ts';
import { FaultyRun } from './faulty-run.ts';
import { SimulatedLoad } from './load/simulated-load.ts';
import { outsideRecord } from './outside.ts';
import { roleRecord, watchClocks } from './watch.ts';
import { openWorld, type World, type WorldOptions } from './world.ts';

export type SimulatedRun = Pick<
  Run,
  'plan' | 'promise' | 'clockSlackUs' | 'recorded' | 'users' | 'signal' | 'problems' | 'report'
> &
  Omit<WorldOptions, 'plan'>;

/** What a run is recorded in. It is closed if the run fails. */
export type RecordedHistory = Pick<HistoryFile, 'add' | 'close'>;

const SLICE_US = 100_000;
const REPORT_EVERY_US = 1_000_000;
const DEFAULT_WARM_UP_MS = 1_000;

/**
 * Plays a run until its nodes have settled. `open` opens its history, which still lacks its last record then; a call of its
 * second argument ends the load.
 */
export async function record<T extends RecordedHistory>(
  run: SimulatedRun,
  open: (header: Header, onFailure: () => void) => T,
) {
  const { signal } = run;
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
  const history = open(header, () => stop.abort());
  onRole = (event) => history.add(roleRecord(event, originUs));
  const offOutside = run.onOutside?.((use) => history.add(outsideRecord(use, time.nowUs - originUs)));
  const recorded = await recordLoad(world, run, history, stop)
    .finally(offOutside)
    .catch((error) => closed(history, error));
  return { history, originAt: startedAt.toISOString(), ...recorded };
}

/** Runs the load with its faults, heals and settles. An abort of `stop` ends the load. */
async function recordLoad(world: World, run: SimulatedRun, history: RecordedHistory, stop: AbortController) {
  const { plan, signal, problems } = run;
  const { time, nodes, topology } = world;
  const originUs = time.nowUs;
  const callsBefore = world.redisCalls();
  const sample = new BucketSample(plan);
  const { tally, ages } = openTallies(run, () => time.nowUs / 1_000);
  const recorder = new Recorder(
    (operation) => {
      if (sample.takes(operation.bucket)) history.add(operation);
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
  recordProblems(problemsOf(run), recorder, history);
  return { recorder, sample: sample.facts(), loadMs: load.sentForMs, ...given({ redisCalls }) };
}

/** Keeps what was recorded until a failure, without an end. */
async function closed(history: RecordedHistory, error: unknown): Promise<never> {
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
  const {
    instances = 1,
    load: { warmUpMs = DEFAULT_WARM_UP_MS },
  } = plan;
  const shape = { ...cheap, mode: 'closed' as const, connections: 2 * instances * cheap.regions.length };
  const recorder = new Recorder(() => {}, undefined, { nowUs: () => time.nowUs });
  const { services } = world;
  const load = new SimulatedLoad({
    ...{ time, shape, users: warmUpUsers(shape), services, instances, recorder },
    durationMs: warmUpMs,
  });
  load.start();
  await time.runUntil(time.nowUs + warmUpMs * 1_000);
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
