import { join } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import { Recorder } from '../load/recorder.ts';
import { runLoad } from '../load/run-load.ts';
import { withoutQuery } from '../load/target.ts';
import type { LoadShape, PlannedUser } from '../load/users.ts';
import type { Plan } from '../scenario/plan.ts';
import type { LoadSender } from './load-sender.ts';
import { shapeOf } from './plan-file.ts';
import type { Run } from './run-context.ts';
import type { System } from './system.ts';
import { AnswerWatch } from './watch/answer-watch.ts';

const WARM_UP_MS = 2_000;
/** Requests to each region: enough that one is answered where few arrive. */
const LEAST_PER_SECOND = 10;
/** How long to wait for the replies of requests that are open at the end of the load. */
export const DRAIN_MS = 3_000;

/**
 * New processes are slow and have few connections, so this sends a load on separate buckets, which is not judged. Throws
 * TARGET_SILENT for a region in which no request was answered.
 */
export async function warmUp(
  { plan, folder, signal, part }: Run,
  { targets }: System,
  { send }: LoadSender,
): Promise<void> {
  const shape = warmUpShape(plan);
  const users = warmUpUsers(shape);
  const answers = new AnswerWatch();
  const recorder = new Recorder((operation) => answers.add(operation));
  const times = { durationMs: WARM_UP_MS, drainMs: DRAIN_MS };
  await send({ shape, users, targets, recorder, signal, ...times, ...(part && { parts: [part.share] }) });
  if (signal.aborted) return;
  const logOf = (region: string) =>
    join(folder, 'logs', `rating-${region}${(plan.instances ?? 1) > 1 ? '-1' : ''}.log`);
  for (const { region } of targets) {
    const lost = answers.silenceOf(region);
    if (lost === undefined) continue;
    const waitedS = (WARM_UP_MS + DRAIN_MS) / 1_000;
    throw new OpenclawError(
      'TARGET_SILENT',
      `${region}: ${plan.strategy} sent no reply within ${waitedS} s (${lost})`,
      { hint: `see ${part?.gateway === undefined ? logOf(region) : 'the logs of its Rating services'}` },
    );
  }
}

/**
 * An open load with a rate is warmed up at that rate: 1,000 connections that never wait would leave a slow limiter with a
 * queue. Others are closed.
 */
export function warmUpShape(plan: Plan): LoadShape {
  const { peaks: _, ...shape } = cheapShapeOf(plan);
  if (shape.mode === 'closed' || shape.ratePerSecond === undefined) return { ...shape, mode: 'closed' };
  const leastRate = LEAST_PER_SECOND * shape.regions.length;
  return { ...shape, ratePerSecond: Math.max(shape.ratePerSecond, leastRate) };
}

/** The load of a plan, with requests of one token. */
export function cheapShapeOf(plan: Plan): LoadShape {
  const { costsByPolicy: _, actuals: __, ...shape } = shapeOf(plan);
  return { ...shape, costs: [1] };
}

/** The users of the warm-up: one in each region. For a plan with one user, whose requests may have no subject, one for all regions. */
export function warmUpUsers({ users, regions, homes }: LoadShape): PlannedUser[] {
  const user = (name: string, from: readonly string[]) => ({ name, regions: from, weight: 1, arrivesMs: 0 });
  return users === 1
    ? [user('warm-up', regions)]
    : regions.map((region) => user(homes ? `${region}.warm-up` : `warm-up-${region}`, [region]));
}

/** Requests that an audit sent before its load; its history has them like all others. */
export interface TargetWarmUp {
  readonly requests: number;
  readonly user: string;
}

/**
 * Sends the first few requests to an audited system, one after another in each region. They open slow connections, and
 * show whether it answers. They are recorded, since they spend tokens of a user that the load does not use, or of the
 * first if users are real. Throws TARGET_SILENT for a region in which no request was answered.
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
  const chosen = targets.slice(0, warmUpRequests);
  const shape = cheapShapeOf(plan);
  const everyMs = shape.ratePerSecond === undefined ? 0 : (chosen.length * 1_000) / shape.ratePerSecond;
  await runLoad({
    shape: { ...shape, mode: 'closed', connections: chosen.length },
    ...{ users: [user], targets: chosen, recorder, signal },
    ...{ durationMs: WARM_UP_MS, drainMs: DRAIN_MS, atMost: { requests: warmUpRequests, everyMs } },
  });
  if (signal.aborted)
    throw new OpenclawError('INTERRUPTED', 'interrupted before more than a few requests were sent');
  for (const { region, url } of chosen) {
    const lost = answers.silenceOf(region);
    if (lost === undefined) continue;
    throw new OpenclawError('TARGET_SILENT', `${region}: no reply from ${withoutQuery(url)} (${lost})`);
  }
  return { requests: recorder.sent, user: user.name };
}

/** The progress text before it is sent. */
export function describeWarmUp(run: Run, { warmUpRequests = 0, description }: System): string {
  if (warmUpRequests === 0) return 'no requests (--warm-up 0)';
  const { name } = warmUpUser(run);
  const requests = warmUpRequests === 1 ? '1 request' : `at most ${warmUpRequests} requests`;
  return `${requests} to ${description} as ${name}, recorded like all others; --warm-up 0 sends none`;
}

/** The requests of a single planned user may have no subject, and a made-up user is not a real one. */
function warmUpUser({ users, areUsersReal = false, plan }: Run): PlannedUser {
  const first = users.at(0);
  const name = first !== undefined && (areUsersReal || users.length === 1) ? first.name : 'warm-up';
  return { name, regions: plan.topology.regions, weight: 1, arrivesMs: 0 };
}
