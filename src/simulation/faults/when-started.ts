import { environmentFailed, type OpenclawError } from '../../core/errors.ts';
import { until } from '../until.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** How long a server or a service that starts is awaited, as in local regions. */
const START_MS = 20_000;

/** Waits until what starts answers; calls `done` then, or with ENVIRONMENT_FAILED if it does not in time. */
export function whenStarted(
  time: VirtualTime,
  name: string,
  answers: () => boolean,
  done: (failure?: OpenclawError) => void,
): void {
  until(time, START_MS, answers, (isUp) =>
    done(isUp ? undefined : environmentFailed(`${name} did not answer within ${START_MS / 1_000} s`)),
  );
}
