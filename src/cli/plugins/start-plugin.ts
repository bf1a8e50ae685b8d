import { OpenclawError } from '../../core/errors.ts';
import { pluginName } from '../../core/plugin-name.ts';
import { printable } from '../../core/printable.ts';
import { isThrownBy, notReady, PLUGIN_START_MS, refused, uncaught } from '../../limiter/plugin/error.ts';
import { withTimeout } from '../../limiter/with-timeout.ts';
import { unlessInterrupted } from '../../regions/waiting.ts';
import type { Environment } from '../process/environment.ts';
import { reportError } from '../process/report-error.ts';

/** The folder of this program's code, as stack traces show it. */
const OURS = new URL('../../', import.meta.url).href;

/**
 * Starts a plug-in in this process. If the plug-in terminates the process, never becomes ready or throws an uncaught
 * error, the error names the plug-in and the exit code is not 0. A plug-in that cannot be started ends the process,
 * since its timers and connections could keep it alive. Call `release` when the plug-in is no longer needed. `onEnd` gets
 * the error with which the plug-in ends the process.
 */
export async function startPlugin<T>(
  file: string,
  environment: Environment,
  start: () => Promise<T>,
  onEnd: (error: OpenclawError) => void = () => {},
): Promise<{ readonly started: T; readonly release: () => void }> {
  const release = answerFor(file, environment, onEnd);
  try {
    return { started: await inTime(file, start(), environment), release };
  } catch (error) {
    release();
    return environment.exit(refuse(file, error, environment));
  }
}

function answerFor(
  file: string,
  environment: Environment,
  onEnd: (error: OpenclawError) => void,
): () => void {
  const refuseEnd = (error: OpenclawError) => {
    onEnd(error);
    return refuse(file, error, environment);
  };
  const offExit = environment.onExit((code) => {
    if (environment.interrupt.aborted) return;
    const error = refused(file, `terminated its process with code ${code}`);
    environment.setExitCode(refuseEnd(error));
  });
  const offUncaught = environment.onUncaught((error) => {
    if (!isAbout(file, error) && isOurs(file, error)) return;
    offExit();
    environment.exit(refuseEnd(isAbout(file, error) ? error : uncaught(file, error)));
  });
  return () => {
    offExit();
    offUncaught();
  };
}

/** Logs the error; if it is the plug-in's, also sends it to the parent process. */
function refuse(file: string, error: unknown, environment: Environment): number {
  if (isAbout(file, error)) {
    const [message, hint] = [printable(error.message), printable(error.hint)];
    environment.answer?.({ refused: { code: error.code, message, hint } });
  }
  return reportError(error, environment);
}

/** Whether an error names the plug-in as its cause. */
function isAbout(file: string, error: unknown): error is OpenclawError {
  return error instanceof OpenclawError && error.message.startsWith(`${pluginName(file)} `);
}

/** Whether an error is of this program. An error of a package without either in its stack counts as the plug-in's. */
function isOurs(file: string, error: unknown): boolean {
  return error instanceof Error && !isThrownBy(file, error) && error.stack?.includes(OURS) === true;
}

async function inTime<T>(
  file: string,
  starting: Promise<T>,
  { interrupt }: Pick<Environment, 'interrupt'>,
): Promise<T> {
  const started = unlessInterrupted(interrupt, 'a plug-in was started', starting);
  return withTimeout(PLUGIN_START_MS, started, () => {
    throw notReady(file);
  });
}
