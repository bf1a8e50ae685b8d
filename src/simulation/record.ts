import { given } from '../core/given.ts';
import { describeLoad } from '../experiment/describe-load.ts';
import { problemsOf, recordProblems } from '../experiment/record-problems.ts';
import { recordDropped } from '../experiment/recording.ts';
import { DRAIN_MS } from '../experiment/warm-up.ts';
import type { Header } from '../history/records/operation.ts';
import { outsideRecord, quietHost } from './outside.ts';
import { openPlay, type Play, type RecordedHistory, type SimulatedRun, SLICE_US, startLoad } from './play.ts';
import { playAgain } from './play-again.ts';
import { importsOfCopies } from './service/own-copies.ts';
import type { World } from './world.ts';

export type { RecordedHistory } from './play.ts';

const REPORT_EVERY_US = 1_000_000;
const LATE_IMPORT = { used: 'import()', instead: 'import it at the top of the file' };

/**
 * Plays a run until its nodes have settled. `open` opens its history, which still lacks its last record then; a call of its
 * second argument ends the load. The beginning of a plug-in's run is played twice.
 */
export async function record<T extends RecordedHistory>(
  run: SimulatedRun,
  open: (header: Header, onFailure: () => void) => T,
) {
  const { outside } = run.host ?? quietHost();
  run.report('provision', { detail: 'simulated nodes and services' });
  const stop = new AbortController();
  const played = await openPlay(run, (header) => open(header, () => stop.abort()));
  const { world, history, originUs, beginning } = played;
  const offUse = outside.onUse((use) => history.add(outsideRecord(use, world.time.nowUs - originUs)));
  try {
    const recorded = await recordLoad(played, run, stop);
    if (importsOfCopies().length > 0) outside.add(LATE_IMPORT);
    if (beginning !== undefined && !stop.signal.aborted && !outside.areHarmful)
      await playAgain(run, beginning, outside);
    return { history: played.file, originAt: played.startedAt.toISOString(), ...recorded };
  } catch (error) {
    return await closed(history, error);
  } finally {
    offUse();
  }
}

/** Runs the load with its faults, heals and settles. An abort of `stop` ends the load. */
async function recordLoad(played: Play<RecordedHistory>, run: SimulatedRun, stop: AbortController) {
  const { plan, signal, problems } = run;
  const { world, history } = played;
  const { nodes, topology } = world;
  const callsBefore = world.redisCalls();
  run.report('load', { detail: describeLoad(run) });
  const { recorder, sample, tally, ages, clocks, load, faults } = startLoad(played, run, stop);
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
