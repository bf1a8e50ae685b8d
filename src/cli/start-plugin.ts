import { isThrownBy, refused, uncaught } from '../limiter/plugin-error.ts';
import { unlessInterrupted } from '../regions/until.ts';
import type { Environment } from './environment.ts';
import { reportError } from './report-error.ts';

/** Less than a run waits for a service to listen. */
const START_MS = 10_000;

/** Where everything is that this program is made of, as a stack shows it. */
const OURS = new URL('../', import.meta.url).href;

/**
 * Starts a plug-in in this process, and answers for what it does to it: where it ends it, waits for ever or throws what
 * nothing catches, that is said to be its doing, and is no pass. One that cannot be started ends the process, which its
 * timers and connections could keep alive. `release` is for when the plug-in is no longer needed.
 */
export async function startPlugin<T>(
  file: string,
  environment: Environment,
  start: () => Promise<T>,
): Promise<{ readonly started: T; readonly release: () => void }> {
  const release = answerFor(file, environment);
  try {
    return { started: await inTime(file, start(), environment), release };
  } catch (error) {
    release();
    return environment.exit(reportError(error, environment));
  }
}

function answerFor(file: string, environment: Environment): () => void {
  const offExit = environment.onExit((code) => {
    if (environment.interrupt.aborted) return;
    const error = refused(file, `ended its process, with code ${code}`);
    environment.setExitCode(reportError(error, environment));
  });
  const offUncaught = environment.onUncaught((error) => {
    if (isOurs(file, error)) return;
    offExit();
    environment.exit(reportError(uncaught(file, error), environment));
  });
  return () => {
    offExit();
    offUncaught();
  };
}

/** What comes from a package, and shows neither of us, is the plug-in's: beside one we ask no Redis. */
function isOurs(file: string, error: unknown): boolean {
  return error instanceof Error && !isThrownBy(file, error) && error.stack?.includes(OURS) === true;
}

async function inTime<T>(
  file: string,
  starting: Promise<T>,
  { interrupt }: Pick<Environment, 'interrupt'>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = refused(file, `is not ready after ${START_MS / 1_000} s: it still awaits something`);
    timer = setTimeout(reject, START_MS, error);
  });
  return unlessInterrupted(interrupt, 'a plug-in was started', Promise.race([starting, late])).finally(() =>
    clearTimeout(timer),
  );
}
