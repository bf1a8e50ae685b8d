import { join } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import { given } from '../core/given.ts';
import { Recorder } from '../load/recorder.ts';
import { settle } from '../regions/cluster/settle.ts';
import type { Regions } from '../regions/provider.ts';
import { describeLoad } from './describe-load.ts';
import type { FaultSchedule } from './fault-schedule.ts';
import { makeHeader } from './header.ts';
import { HistoryFile, type Written } from './history-file.ts';
import { isDeath, type LoadSender } from './load-sender.ts';
import { makeSchedule, outlastsRun } from './make-schedule.ts';
import { NodeNames } from './node-names.ts';
import { describeStart, type PartOfRun, readOn, untilStart } from './parts/part-of-run.ts';
import { shapeOf } from './plan-file.ts';
import type { Started } from './play-run.ts';
import { outsideProblems, problemsOf, recordProblems } from './record-problems.ts';
import { endHistory, openTallies, recordDropped, type Tallies } from './recording.ts';
import type { Run } from './run-context.ts';
import type { System } from './system.ts';
import { DRAIN_MS, type TargetWarmUp, warmUpTarget } from './warm-up.ts';
import { AnswerWatch, whileUseful } from './watch/answer-watch.ts';
import { watchPauses } from './watch/pause-watch.ts';
import { watchRedisCalls } from './watch/redis-calls.ts';
import { findProblems, watchNodes } from './watch/watches.ts';

/** A recorded run that is not yet judged. */
export interface Recorded {
  readonly written: Written;
  /** Milliseconds from the first request until sending stopped. */
  readonly loadMs: number;
  /** The strategy's calls to Redis; absent for nodes of another system and for plug-ins. */
  readonly redisCalls?: number;
  /** Of an audit. */
  readonly warmUp?: TargetWarmUp;
  /** The date and time, by this machine's clock, at which the times of the history are 0. ISO 8601. */
  readonly originAt: string;
}

const REPORT_EVERY_MS = 1_000;
const SETTLE_MS = 30_000;

/**
 * Runs the load with its faults, heals and settles; streams all of it into `history.ndjson`, or into the file of its part.
 * That of an interrupted part has no end; it is gone if nothing was sent.
 */
export async function recordRun(run: Run, { system, sender }: Started): Promise<Recorded> {
  const { part, folder } = run;
  const stop = new AbortController();
  const path = part?.file ?? join(folder, 'history.ndjson');
  const held = part === undefined ? run.judgeApart?.above : 0;
  const history = new HistoryFile(path, makeHeader(run, system), () => stop.abort(), held);
  try {
    return await recordInto(history, stop, run, { system, sender });
  } catch (error) {
    if (part !== undefined) await history.abandon();
    throw error;
  }
}

async function recordInto(
  history: HistoryFile,
  stop: AbortController,
  run: Run,
  { system, sender }: Started,
): Promise<Recorded> {
  const { plan, cleanup, problems, part, signal } = run;
  const { regions } = system;
  const { recorder, tally, ages, answers, names } = record(run, system, history);
  const warmUp = await warmUpTarget(run, system, recorder, answers).catch(async (error: unknown) => {
    if (part === undefined) await endHistory(history, recorder, run);
    throw error;
  });
  const watched = { recorder, history, cleanup, share: part?.share };
  const watches = regions && (await watchNodes(regions, watched));
  const faults = makeSchedule(run, system, { recorder, history, roles: watches?.roles });
  cleanup.add('heal every fault', async () => {
    const left = (await faults?.end()) ?? [];
    if (left.length > 0 && outlastsRun(plan, system)) throw new Error(left.join('; '));
  });
  await faults?.prepare();
  const isCounted = plan.limiter === undefined && regions?.topology.external === undefined; // others call external nodes
  const calls = regions && isCounted ? await watchCalls(regions, cleanup) : undefined;
  let [{ loadMs, isCut }, redisCalls]: [Sent, number | undefined] = [{ loadMs: 0, isCut: false }, undefined];
  try {
    ({ loadMs, isCut } = await load(run, system, { recorder, tally, answers, faults, stop, sender }));
    if (part !== undefined) await readOn(signal);
  } finally {
    const counting = calls?.stop(); // while healing: a paused node answers only after that
    if (faults !== undefined) problems.push(...(await healAndSettle(run, system, faults, recorder, history)));
    if (regions !== undefined && watches !== undefined)
      problems.push(...(await findProblems(regions, watches.roles)));
    await watches?.stop();
    await part?.pings.stop();
    redisCalls = await counting;
    recordDropped(recorder, history);
    for (const event of ages?.records(Math.ceil(recorder.nowUs())) ?? []) history.add(event);
    problems.push(...(names?.problems() ?? []), ...(part?.pings.problems() ?? []));
    problems.push(...(await outsideProblems(run)));
    recordProblems(problemsOf(run), recorder, history);
    history.flush();
  }
  if (faults?.failure !== undefined) throw faults.failure;
  if (part !== undefined && signal.aborted) throw cutShort(part);
  const written = await endHistory(history, recorder, run, isCut);
  const originAt = new Date(Date.now() - recorder.nowUs() / 1_000).toISOString();
  return { written, loadMs, originAt, ...given({ redisCalls, warmUp }) };
}

interface Recording extends Tallies {
  readonly recorder: Recorder;
  /** Of an audit. */
  readonly answers: AnswerWatch | undefined;
  /** Absent for an audit. */
  readonly names: NodeNames | undefined;
}

/** Records requests and replies in the history and in the counters. */
function record(run: Run, { regions }: System, history: HistoryFile): Recording {
  const { part } = run;
  const { tally, ages } = openTallies(run);
  const names = regions === undefined ? undefined : new NodeNames(regions);
  const answers = regions === undefined ? new AnswerWatch() : undefined;
  const recorder = new Recorder(
    (operation) => {
      const named = names?.name(operation) ?? operation;
      history.add(named);
      ages?.add(named);
      tally.add(operation);
      answers?.add(operation);
    },
    (reading) => history.add(reading),
    part && { originUs: 0 }, // the files of a machine have the times of one clock
  );
  part?.pings.writeTo((reading) => history.add(reading));
  return { recorder, tally, ages, answers, names };
}

interface Sent {
  readonly loadMs: number;
  /** A process that sent it ended by itself: the history is complete up to its last record only. */
  readonly isCut: boolean;
}

/** Sends the load and runs the fault schedule; gives the milliseconds it took. */
async function load(
  run: Run,
  { targets }: System,
  {
    recorder,
    tally,
    answers,
    faults,
    stop,
    sender,
  }: Omit<Recording, 'ages' | 'names'> & {
    faults: FaultSchedule | undefined;
    stop: AbortController;
    sender: LoadSender;
  },
): Promise<Sent> {
  const { plan, users, problems, report, part } = run;
  const { durationMs } = plan.load;
  if (part !== undefined) report('wait', { detail: describeStart(part) });
  const startAtUs = part && (await untilStart(part, run.signal));
  const pauses = watchPauses((ms) =>
    problems.push(
      `the load generator stalled for ${(ms / 1_000).toFixed(1)} s; latencies include that stall`,
    ),
  );
  const startedUs = startAtUs ?? recorder.nowUs();
  const progress = () => ({
    atMs: (recorder.nowUs() - startedUs) / 1_000,
    ofMs: durationMs,
    faults: faults?.inForce ?? [],
    ...tally.look(),
  });
  const ticker = setInterval(() => report('load', { load: progress() }), REPORT_EVERY_MS);
  try {
    report('load', { detail: describeLoad(run) });
    faults?.start(() => stop.abort());
    const signal = AbortSignal.any([run.signal, stop.signal]);
    const sent = { shape: shapeOf(plan), users, targets, recorder, signal, durationMs, drainMs: DRAIN_MS };
    const log = run.recorded && { recorded: run.recorded };
    const share = part && { parts: [part.share], ...given({ startAtUs }) };
    const send = () => sender.send({ ...sent, ...log, ...share });
    return { loadMs: await whileUseful(answers, stop, problems, send), isCut: false };
  } catch (error) {
    if (!isDeath(error)) throw error;
    problems.push(`${error.message}; later requests are not in the history: ${error.hint}`);
    return { loadMs: (recorder.nowUs() - startedUs) / 1_000, isCut: true };
  } finally {
    clearInterval(ticker);
    pauses.stop();
  }
}

async function watchCalls(regions: Regions, cleanup: Run['cleanup']) {
  const calls = await watchRedisCalls(regions);
  cleanup.add('stop counting calls', async () => void (await calls.stop()));
  return calls;
}

/** Heals all faults and waits until the cluster is in its initial state; gives a sentence for each failure. */
async function healAndSettle(
  { report, plan, signal }: Run,
  { regions, isOurs }: System,
  faults: FaultSchedule,
  recorder: Recorder,
  history: HistoryFile,
): Promise<string[]> {
  report('heal');
  const failures = [...(await faults.end()), ...faults.problems];
  if (regions === undefined || (isOurs && signal.aborted)) return failures; // it is torn down without settling
  report('settle');
  try {
    await settle(regions, new AbortController().signal, SETTLE_MS);
    const atUs = Math.ceil(recorder.nowUs());
    for (const { fault } of plan.faults) history.add({ type: 'fault', fault, phase: 'settled', atUs });
    return failures;
  } catch (error) {
    return [...failures, `the cluster did not settle: ${error instanceof Error ? error.message : error}`];
  }
}

function cutShort({ file }: PartOfRun): OpenclawError {
  return new OpenclawError('INTERRUPTED', `interrupted; ${file} has what was sent until then, and no end`, {
    hint: 'send all parts again, with a later --start-at',
  });
}
