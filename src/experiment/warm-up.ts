import { join } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import { Recorder } from '../load/recorder.ts';
import { runLoad } from '../load/run-load.ts';
import type { LoadShape, PlannedUser } from '../load/users.ts';
import { AnswerWatch } from './answer-watch.ts';
import { shapeOf } from './plan-file.ts';
import type { Run } from './run-context.ts';
import type { System } from './system.ts';

const WARM_UP_MS = 2_000;
const DRAIN_MS = 3_000;

/**
 * Fresh processes are slow and their connections are few: load on buckets of its own, which is not judged. Throws
 * TARGET_SILENT for a region in which no request was answered.
 */
export async function warmUp({ plan, folder, signal }: Run, { targets }: System): Promise<void> {
  const shape = { ...shapeOf(plan), mode: 'closed' as const, costs: [1] };
  const users = warmUpUsers(shape);
  const answers = new AnswerWatch();
  const recorder = new Recorder((operation) => answers.add(operation));
  await runLoad({ shape, users, targets, recorder, durationMs: WARM_UP_MS, drainMs: DRAIN_MS, signal });
  if (signal.aborted) return;
  for (const { region } of targets) {
    const lost = answers.silenceOf(region);
    if (lost === undefined) continue;
    const waitedS = (WARM_UP_MS + DRAIN_MS) / 1_000;
    throw new OpenclawError(
      'TARGET_SILENT',
      `${region}: ${plan.strategy} answered nothing within ${waitedS} s (${lost})`,
      { hint: `see ${join(folder, 'logs', `rating-${region}.log`)}` },
    );
  }
}

/** A user in each region; where one user is planned, who need not be told apart, one for all of them. */
function warmUpUsers({ users, regions }: LoadShape): PlannedUser[] {
  const user = (name: string, from: readonly string[]) => ({ name, regions: from, weight: 1, arrivesMs: 0 });
  return users === 1
    ? [user('warm-up', regions)]
    : regions.map((region) => user(`warm-up-${region}`, [region]));
}
