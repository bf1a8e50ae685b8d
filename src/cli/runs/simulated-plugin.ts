import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '../../core/printable.ts';
import { loadPlugin } from '../../limiter/plugin/plugin.ts';
import type { Plan } from '../../scenario/plan.ts';
import { checkSimulated } from '../../simulation/service/plugin-instance.ts';
import { startPlugin } from '../plugins/start-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { endAtLoop } from './endless-loop.ts';
import { warnOfOutside } from './outside-simulation.ts';

/** A plug-in in this process, until it is released. */
export interface GuardedPlugin {
  /** Into the log of the plug-in; before it has a folder, into that of the program. */
  log(text: string): void;
  logInto(folder: string): void;
  release(): void;
}

/**
 * Checks the plug-in of a plan, which runs in this process; undefined without one. Until it is released, an end of the
 * process is its failure, what it prints goes to its log instead of the results, and a warning names what it uses outside
 * the simulation. The program does not wait for what the plug-in has started.
 */
export async function guardPlugin(
  { limiter: file }: Plan,
  environment: Environment,
): Promise<GuardedPlugin | undefined> {
  if (file === undefined) return undefined;
  environment.exitAtEnd?.();
  let log = environment.log;
  const undivert = divertResults((text) => log(text));
  const unwatch = endAtLoop(file);
  const unwarn = warnOfOutside(file, environment.log);
  const restore = () => {
    undivert();
    unwatch();
    unwarn();
  };
  try {
    const { release } = await startPlugin(file, environment, async () =>
      checkSimulated(await loadPlugin(file), file),
    );
    return {
      log: (text) => log(text),
      logInto: (folder) => {
        log = logFile(join(folder, 'logs'));
      },
      release: () => {
        restore();
        release();
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
