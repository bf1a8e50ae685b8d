import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { loadPlugin } from '../../limiter/plugin/load.ts';
import type { PluginHost } from '../../simulation/outside.ts';
import { checkSimulated } from '../../simulation/service/plugin-instance.ts';
import { watchOutside } from '../outside/watch.ts';
import { startPlugin } from '../plugins/start-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';
import { endAtLoop } from './endless-loop.ts';
import { exitOnKill } from './exit-on-kill.ts';

import { keepError } from './run-error.ts';

/** A plug-in in this process, until it is released. */
export interface GuardedPlugin {
  /** Its log is that of the plug-in; before that has a folder, that of the program. */
  readonly host: PluginHost;
  /** The folder of the run, which keeps its log, and the error with which it ends the process. */
  runIn(folder: string): void;
  release(): void;
}

/**
 * Checks the plug-in at this path, which runs in this process. Until it is released, what it prints goes to its log instead
 * of the results, and it is watched for what it uses outside the simulation. Until the command ends, an end of the process
 * is the plug-in's failure. The program does not wait for what it has started. `command` makes the run again.
 */
export async function guardPlugin(
  file: string,
  command: string,
  environment: Environment,
): Promise<GuardedPlugin> {
  let { log } = environment;
  let onEnd = (_error: OpenclawError) => {};
  let releaseEnd = () => {};
  const { interrupt, interruptCode } = environment;
  environment.exitAtEnd?.(
    () => releaseEnd(),
    () => (interrupt.aborted ? interruptCode() : EXIT.usage),
  );
  const watch = watchOutside(file, environment.log);
  const guards = [divertResults((text) => log(text)), endAtLoop(file), exitOnKill(file), watch.release];
  const restore = () => {
    for (const guard of guards) guard();
  };
  try {
    const { release } = await startPlugin(
      file,
      environment,
      async () => checkSimulated(await loadPlugin(file), file),
      (error) => onEnd(error),
    );
    releaseEnd = release;
    return {
      host: {
        outside: watch.outside,
        log: (text) => log(text),
        onLoaded: watch.onLoaded,
        onRepeat: () => {
          log = () => {};
        },
      },
      runIn(folder) {
        log = logFile(join(folder, 'logs'));
        onEnd = (error) => {
          if (!existsSync(join(folder, 'report.json'))) keepError(error, { command, folder }, environment);
        };
      },
      release: () => {
        restore();
        if (environment.exitAtEnd === undefined) release();
      },
    };
  } catch (error) {
    restore();
    throw error;
  }
}

/** As the logs of real services are called, which have one for each. Without an error of its own: the run matters more. */
function logFile(folder: string): (text: string) => void {
  return (text) => {
    try {
      mkdirSync(folder, { recursive: true });
      appendFileSync(join(folder, 'rating-simulated.log'), text);
    } catch {} // a full disk
  };
}

function divertResults(log: (text: string) => void): () => void {
  const { stdout } = process;
  const write = stdout.write;
  stdout.write = (chunk: string | Uint8Array) => {
    log(`${printable(Buffer.from(chunk).toString().trimEnd())}\n`);
    return true;
  };
  return () => {
    stdout.write = write;
  };
}
