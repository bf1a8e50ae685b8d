import { OpenclawError } from '../core/errors.ts';
import { BucketSample } from '../experiment/bucket-sample.ts';
import { makeHeader } from '../experiment/header.ts';
import type { HistoryFile } from '../experiment/history-file.ts';
import { shapeOf } from '../experiment/plan-file.ts';
import { openTallies } from '../experiment/recording.ts';
import type { Run } from '../experiment/run-context.ts';
import { cheapShapeOf, DRAIN_MS, warmUpUsers } from '../experiment/warm-up.ts';
import type { Header } from '../history/records/operation.ts';
import { Recorder } from '../load/recorder.ts';
import type { RoleEvent } from '../regions/cluster/role-watch.ts';
import { Beginning } from './beginning.ts';
import { FaultyRun } from './faulty-run.ts';
import { SimulatedLoad } from './load/simulated-load.ts';
import { roleRecord, watchClocks } from './watch.ts';
import { openWorld, type World, type WorldOptions } from './world.ts';

export type SimulatedRun = Pick<
  Run,
  'plan' | 'promise' | 'clockSlackUs' | 'recorded' | 'users' | 'signal' | 'problems' | 'report'
> &
  Omit<WorldOptions, 'plan'>;

/** What a run is recorded in. It is closed if the run fails. */
export type RecordedHistory = Pick<HistoryFile, 'add' | 'close'>;

export const SLICE_US = 100_000;
const DEFAULT_WARM_UP_MS = 1_000;

/** This part of the load is played twice: with its warm-up the second play costs about a tenth of the first. */
const REPEATED = 1 / 6;

/** A run whose load is about to start. */
export interface Play<T> {
  readonly world: World;
  readonly file: T;
  /** The same, of which the beginning is kept, too, if a plug-in is played. */
  readonly history: RecordedHistory;
  readonly beginning: Beginning | undefined;
  readonly startedAt: Date;
  readonly originUs: number;
}

/** Opens the world of a run, warms it up, and opens its history. */
export async function openPlay<T extends RecordedHistory>(
  run: SimulatedRun,
  open: (header: Header) => T,
): Promise<Play<T>> {
  let onRole = (_event: RoleEvent) => {};
  const world = await openWorld(run, (event) => onRole(event));
  const { time, topology } = world;
  run.report('warm up');
  await warmUp(world, run);
  throwIfAborted(run.signal);
  const originUs = time.nowUs;
  const startedAt = new Date(time.dateUs(originUs) / 1_000);
  const header = makeHeader({ ...run, startedAt, simulated: true }, { initial: 'full', regions: topology });
  const file = open(header);
  const { limiter, load } = run.plan;
  const beginning = limiter === undefined ? undefined : new Beginning(REPEATED * load.durationMs * 1_000);
  beginning?.kept(header, 0);
  const history: RecordedHistory = beginning
    ? { add: (each) => file.add(beginning.kept(each, time.nowUs - originUs)), close: () => file.close() }
    : file;
  onRole = (event) => history.add(roleRecord(event, originUs));
  return { world, file, history, beginning, startedAt, originUs };
}

/** Starts the load with its faults, and the watch of the clocks. */
export function startLoad(
  { world, history, originUs }: Play<RecordedHistory>,
  run: SimulatedRun,
  stop: AbortController,
) {
  const { time } = world;
  const sample = new BucketSample(run.plan);
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
  faults.start(() => stop.abort());
  load.start();
  return { recorder, sample, tally, ages, clocks, load, faults };
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
