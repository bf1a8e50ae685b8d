import { OpenclawError } from '../core/errors.ts';
import { planUsers } from '../load/drawn-users.ts';
import { recordedUsers } from '../load/recorded.ts';
import { REAL_USER, type Users } from '../load/users.ts';
import { Cleanup } from './cleanup.ts';
import { type LoadSender, openSender } from './load-sender.ts';
import { leftToStart, type PartOfRun } from './parts/part-of-run.ts';
import { shapeOf } from './plan-file.ts';
import { STAGE_DETAIL } from './progress.ts';
import type { Run, RunOptions, RunState } from './run-context.ts';
import type { Provision, System } from './system.ts';
import { describeWarmUp, warmUp } from './warm-up.ts';

/** The users of a run, drawn by the seed of its plan. */
export function usersOf({
  plan,
  recorded,
  areUsersReal,
}: Pick<RunOptions, 'plan' | 'recorded' | 'areUsersReal'>): Users {
  const shape = shapeOf(plan);
  return recorded === undefined
    ? planUsers(shape, areUsersReal ? REAL_USER : 'u')
    : recordedUsers(recorded, shape);
}

/**
 * Plays the stages of a run. Everything that was started is stopped and every fault healed, also when it fails or is
 * interrupted; it is killed if the program exits.
 */
export async function playRun<T, O extends Omit<RunOptions, 'provide'>>(
  options: O,
  play: (run: O & RunState) => Promise<T>,
): Promise<T> {
  const startedMs = performance.now();
  const run: O & RunState = {
    ...options,
    users: usersOf(options),
    cleanup: new Cleanup(),
    problems: [],
    report: (stage, more = { detail: STAGE_DETAIL[stage] }) =>
      options.onProgress({ stage, elapsedMs: performance.now() - startedMs, ...more }),
  };
  const offExit = options.onExit(() => run.cleanup.kill());
  try {
    return await play(run);
  } finally {
    run.report('tear down');
    for (const leftover of await run.cleanup.run()) options.onLeftover(leftover);
    offExit();
  }
}

/** A system that is warm, and what sends it its load. */
export interface Started {
  readonly system: System;
  readonly sender: LoadSender;
}

/** Provisions the system of a run and warms it up, by what will send its load. */
export async function startSystem(run: Run): Promise<Started> {
  const { plan, folder, signal, cleanup, problems, report, provide, part } = run;
  const system = await provide({
    plan,
    users: run.users,
    folder,
    cleanup,
    signal,
    onDeath: (how) => problems.push(how),
    onStep: (detail) => report('provision', { detail }),
    ...(part && { part: placeOf(part) }),
  });
  throwIfAborted(signal);
  const sender = await openSender(run);
  if (system.regions === undefined) report('warm up', { detail: describeWarmUp(run, system) });
  else {
    report('warm up');
    await warmUp(run, system, sender);
  }
  throwIfAborted(signal);
  return { system, sender };
}

function placeOf(part: PartOfRun): NonNullable<Provision['part']> {
  const { share, prefix, gateway: url } = part;
  return {
    ...{ region: share.region, prefix },
    ...(url !== undefined && { gateway: { url, leftMs: () => leftToStart(part) } }),
  };
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted before any load was sent');
}
