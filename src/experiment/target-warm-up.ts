import { OpenclawError } from '../core/errors.ts';
import type { Recorder } from '../load/recorder.ts';
import { runLoad } from '../load/run-load.ts';
import { withoutQuery } from '../load/target.ts';
import type { PlannedUser } from '../load/users.ts';
import type { AnswerWatch } from './answer-watch.ts';
import { shapeOf } from './plan-file.ts';
import type { Run } from './run-context.ts';
import type { System } from './system.ts';

const WARM_UP_MS = 2_000;
const DRAIN_MS = 3_000;

/** Requests that an audit sent before its load; they are operations of its history as all others. */
export interface TargetWarmUp {
  readonly requests: number;
  readonly user: string;
}

/**
 * The first few requests to what is not ours, one after another in each region: they open what is slow at first, and
 * show whether anything answers. They are recorded, since they spend tokens: of a user that the load does not use, or
 * where only real ones can be asked for, of the first. Throws TARGET_SILENT for a region in which no request was
 * answered.
 */
export async function warmUpTarget(
  run: Run,
  { targets, warmUpRequests = 0 }: System,
  recorder: Recorder,
  answers: AnswerWatch | undefined,
): Promise<TargetWarmUp | undefined> {
  if (answers === undefined || warmUpRequests === 0) return undefined;
  const { plan, signal } = run;
  const user = warmUpUser(run);
  const asked = targets.slice(0, warmUpRequests);
  const shape = shapeOf(plan);
  const everyMs = shape.ratePerSecond === undefined ? 0 : (asked.length * 1_000) / shape.ratePerSecond;
  await runLoad({
    shape: { ...shape, mode: 'closed', connections: asked.length, costs: [1] },
    ...{ users: [user], targets: asked, recorder, signal },
    ...{ durationMs: WARM_UP_MS, drainMs: DRAIN_MS, atMost: { requests: warmUpRequests, everyMs } },
  });
  if (signal.aborted)
    throw new OpenclawError('INTERRUPTED', 'interrupted before more than a few requests were sent');
  for (const { region, url } of asked) {
    const lost = answers.silenceOf(region);
    if (lost === undefined) continue;
    throw new OpenclawError('TARGET_SILENT', `${region}: nothing answered at ${withoutQuery(url)} (${lost})`);
  }
  return { requests: recorder.sent, user: user.name };
}

/** What is said of it before it is sent. */
export function describeWarmUp(run: Run, { warmUpRequests = 0, description }: System): string {
  if (warmUpRequests === 0) return 'no requests (--warm-up 0)';
  const { name } = warmUpUser(run);
  const requests = warmUpRequests === 1 ? '1 request' : `at most ${warmUpRequests} requests`;
  return `${requests} to ${description} as ${name}, recorded as all others; --warm-up 0 sends none`;
}

/** One planned user need not be told apart, and a made-up one is none of the real ones. */
function warmUpUser({ users: [first, ...others], areUsersReal = false, plan }: Run): PlannedUser {
  const name = first !== undefined && (areUsersReal || others.length === 0) ? first.name : 'warm-up';
  return { name, regions: plan.topology.regions, weight: 1, arrivesMs: 0 };
}
