import { environmentFailed, type OpenclawError } from '../../core/errors.ts';
import { until } from '../until.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** How long a server or a service that starts is awaited, as in local regions. */
const START_MS = 20_000;

/** What starts. */
interface Starting {
  readonly name: string;
  readonly answers: () => boolean;
  /** Why it cannot start. Default: nothing keeps it from that. */
  readonly failure?: () => OpenclawError | undefined;
}

/** Waits until what starts answers; calls `done` then, or with its failure, ENVIRONMENT_FAILED if it has no other. */
export function whenStarted(
  time: VirtualTime,
  { name, answers, failure = () => undefined }: Starting,
  done: (failure?: OpenclawError) => void,
): void {
  const isOver = () => answers() || failure() !== undefined;
  until(time, START_MS, isOver, (isSo) => {
    if (isSo) done(failure());
    else done(environmentFailed(`${name} did not answer within ${START_MS / 1_000} s`));
  });
}
