import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentFailed, OpenclawError } from '../core/errors.ts';
import { YOUNG_SPACE } from '../load/processes/young-space.ts';
import { parseAnswer } from '../regions/processes/answer.ts';
import { type LocalProcess, startProcess } from '../regions/processes/process.ts';
import type { ServicePlace, ServiceRole } from '../regions/provider.ts';
import { waitFor } from '../regions/waiting.ts';
import type { Cleanup } from './cleanup.ts';

export interface ServiceProcessOptions {
  readonly name: string;
  readonly role: ServiceRole;
  readonly region: string;
  readonly place: ServicePlace;
  /** Of `serve`, without its name, region and address. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The folder of its log. */
  readonly logs: string;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
  /** Called with a sentence when it ends after it has listened, before it is stopped or killed. */
  readonly onDeath: (how: string) => void;
}

const START_MS = 20_000;

/** A service or a gateway of a run: one process after another at the same address. It ends with the run. */
export class ServiceProcess {
  readonly #options: ServiceProcessOptions;
  #port: number;
  #process: LocalProcess | undefined;
  /** The process that is being ended; it stays the `#process` until it has ended, so that it can be killed. */
  #ending: LocalProcess | undefined;
  /** The starts and kills so far, which follow each other. */
  #changes: Promise<void> = Promise.resolve();
  #isWanted = true;
  /** Its address within its region, and from this machine. */
  inside = '';
  reached = '';

  private constructor(options: ServiceProcessOptions) {
    this.#options = options;
    this.#port = options.place.listen.port;
  }

  /** Starts it and resolves once it listens. Throws ENVIRONMENT_FAILED, or its own error. */
  static async start(options: ServiceProcessOptions): Promise<ServiceProcess> {
    const service = new ServiceProcess(options);
    options.cleanup.add(
      `stop ${options.name}`,
      () => service.#stop(),
      () => service.#process?.kill(),
    );
    await service.startAgain();
    return service;
  }

  /** SIGKILL; resolves when it has ended. Does nothing if it has. */
  kill(): Promise<void> {
    return this.#change(() => this.#kill());
  }

  /** Starts it at its address, if it is not running, and resolves once it listens. */
  startAgain(): Promise<void> {
    return this.#change(async () => {
      if (this.#process !== undefined || !this.#isWanted) return;
      const { name, role, region, place, args, env, logs, signal, onDeath } = this.#options;
      const [command, ...before] = place.node;
      const where = ['--region', region, '--host', place.listen.host, '--port', String(this.#port)];
      const logFile = join(logs, `${name}.log`);
      const logged = await stat(logFile).then(
        ({ size }) => size,
        () => 0,
      );
      const process = await startProcess({
        name,
        command,
        args: [...before, YOUNG_SPACE, ...place.script, 'serve', role, ...where, ...args],
        env: { ...env, ...place.env },
        logFile,
      });
      this.#process = process;
      this.inside = await waitForAddress(process, { place, logged, signal }).catch(async (error) => {
        await this.#kill(); // the next call tries again
        throw error;
      });
      this.reached = place.reached ?? this.inside;
      this.#port = Number(new URL(this.inside).port);
      void process.ended.then((how) => {
        if (this.#process !== process || this.#ending === process) return;
        onDeath([how, process.answer().refused?.message].filter((part) => part !== undefined).join(': '));
      });
    });
  }

  async #stop(): Promise<void> {
    this.#isWanted = false;
    await this.#changes;
    await this.#end(async (process) => {
      await process?.stop();
      await this.#options.place.stop?.();
    });
  }

  #kill(): Promise<void> {
    return this.#end(async (process) => {
      try {
        await this.#options.place.stop?.(); // of a container, whose client would outlive a SIGKILL of its own
      } finally {
        process?.kill();
        await process?.ended;
      }
    });
  }

  async #end(act: (process: LocalProcess | undefined) => Promise<void>): Promise<void> {
    const process = this.#process;
    this.#ending = process;
    try {
      await act(process);
    } finally {
      this.#process = undefined;
      this.#ending = undefined;
    }
  }

  #change(act: () => Promise<void>): Promise<void> {
    const change = this.#changes.then(act);
    this.#changes = change.catch(() => {});
    return change;
  }
}

/** Waits for a service to report the address it listens on. `logged`: the size of its log before it was started. */
async function waitForAddress(
  process: LocalProcess,
  { place, logged, signal }: { place: ServicePlace; logged: number; signal: AbortSignal },
): Promise<string> {
  let how: string | undefined;
  void process.ended.then((sentence) => {
    how = sentence;
  });
  let address: string | undefined;
  await waitFor(`${process.name} to listen`, START_MS, signal, async () => {
    const log = (await readFile(process.logFile)).subarray(logged).toString();
    const { ready, refused } = place.answersInLog === true ? parseAnswer(log) : process.answer();
    address = ready?.address;
    if (address !== undefined) return undefined;
    if (refused !== undefined) throw new OpenclawError(refused.code, refused.message, refused);
    if (how !== undefined) throw environmentFailed(`${how}: ${log.trim().slice(-300)}`);
    return `its log: ${process.logFile}`;
  });
  return address ?? '';
}
