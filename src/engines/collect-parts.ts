import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentFailed } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { count } from '../core/units.ts';
import { monotonicUs } from '../load/monotonic.ts';
import type { ControlPart } from './control-part.ts';
import type { DeployedService } from './deployment.ts';
import type { Task } from './engine.ts';
import type { EngineRun, OnEngine } from './engine-run.ts';
import { describeTask } from './task-watch.ts';

interface Collecting {
  /** All that is deployed. */
  readonly services: readonly DeployedService[];
  /** Of the run. */
  readonly id: string;
  /** When the load starts: the time of day, and the time of this machine. */
  readonly startMs: number;
  readonly startUs: number;
  readonly control: ControlPart;
  /** Ends it early. */
  readonly stop: AbortController;
}

const LOOK_EVERY_MS = 1_000;
/** A part sends its file for a minute, and the clock reads one after another. */
const COLLECT_MS = 180_000;
/** A part that is not ready at the start has ended by then. */
const REFUSES_US = 15_000_000;

/**
 * Waits for the start, the load and the files of all parts; plays the faults meanwhile. What ends early is a problem of the
 * run. Gives the files that came. Throws ENVIRONMENT_FAILED if a service does not start, and the error of a first fault that
 * cannot be injected.
 */
export async function collectParts(
  run: EngineRun,
  onEngine: OnEngine,
  collecting: Collecting,
): Promise<string[]> {
  const { control, stop } = collecting;
  const ending = AbortSignal.any([run.signal, stop.signal]);
  const playing = playFaults(run, collecting, ending);
  const parts = new Parts(run, onEngine, collecting);
  try {
    while (!ending.aborted && (await parts.look())) {
      parts.report();
      await sleep(LOOK_EVERY_MS, undefined, { signal: ending }).catch(() => {});
    }
  } finally {
    stop.abort();
    await playing;
  }
  if (control.faults?.failure !== undefined) throw control.faults.failure;
  if (run.signal.aborted) run.problems.push('the run was interrupted');
  return parts.files();
}

/** The way out if services or parts are not ready at the start. */
export function moreTime({ leadMs }: Pick<EngineRun, 'leadMs'>): string {
  return `if they need more time before the start: --lead ${Math.ceil((2 * leadMs) / 1_000)}`;
}

/** Plays the faults from the start of the load to its end. None is in force then: a part that is cut off could not send. */
async function playFaults(
  { plan, problems, report }: EngineRun,
  { control: { faults }, startUs, stop }: Collecting,
  ending: AbortSignal,
): Promise<void> {
  if (faults === undefined) return;
  const until = (us: number) =>
    sleep(Math.max(0, (us - monotonicUs()) / 1_000), undefined, { signal: ending }).catch(() => {});
  await until(startUs);
  if (!ending.aborted) faults.start(() => stop.abort());
  await until(startUs + 1_000 * plan.load.durationMs);
  report('heal');
  problems.push(...(await faults.end()), ...faults.problems);
}

/** The parts of a run, from the deployment of their load until their files are there. */
class Parts {
  readonly #run: EngineRun;
  readonly #on: OnEngine;
  readonly #of: Collecting;
  /** Regions whose load has ended, and no file came. */
  readonly #lost = new Set<string>();
  #shown = '';

  constructor(run: EngineRun, onEngine: OnEngine, collecting: Collecting) {
    this.#run = run;
    this.#on = onEngine;
    this.#of = collecting;
  }

  /** Whether parts may still come. */
  async look(): Promise<boolean> {
    const { tasks } = this.#on;
    const { problems } = this.#run;
    await tasks.look().catch(({ message }: Error) => {
      if (!problems.includes(message)) problems.push(message);
    });
    for (const { service, task } of tasks.ended(this.#of.services)) await this.#note(service, task);
    const waited = this.#waited();
    if (waited.length > 0 && !this.#isLate()) return true;
    problems.push(...waited.map((region) => this.#lateText(region)), ...this.#silent());
    return false;
  }

  report(): void {
    const { report, plan } = this.#run;
    const { startUs, control } = this.#of;
    const atMs = (monotonicUs() - startUs) / 1_000;
    const ofMs = plan.load.durationMs;
    if (atMs >= 0 && atMs < ofMs) {
      const faults = control.faults?.inForce ?? [];
      report('load', { load: { atMs, ofMs, rates: {}, faults, atLimit: 0, ofBusiest: 0 } });
      return;
    }
    const detail = atMs < 0 ? this.#waitText() : this.#collectText();
    if (detail !== this.#shown) report(atMs < 0 ? 'wait' : 'collect', { detail });
    this.#shown = detail;
  }

  #waitText(): string {
    const { startMs, services } = this.#of;
    return `for the start at ${new Date(startMs).toISOString()}: ${this.#on.tasks.progress(services)}`;
  }

  #collectText(): string {
    const { regions } = this.#run.plan.topology;
    return `${this.#received().length} of ${count(regions.length, 'part')}; waiting for ${this.#waited().join(', ')}`;
  }

  files(): string[] {
    return this.#received().map(({ file }) => file);
  }

  /** A service that has ended. Throws unless the load has started. */
  async #note(service: DeployedService, task: Task): Promise<void> {
    const { tasks } = this.#on;
    const { problems, folder } = this.#run;
    const { name, role, region } = service;
    if (role === 'load' && !this.#waited().includes(region)) return; // its file is there
    const how = await tasks.describe(task);
    const isRefusal =
      role === 'load' && task.exitCode !== undefined && task.exitCode < 128 && this.#received().length === 0; // what was sent is judged
    const lastUs = this.#of.startUs + (isRefusal ? REFUSES_US : 0);
    if (monotonicUs() < lastUs)
      throw environmentFailed(
        how,
        `its log: ${printable(join(folder, 'logs', `${name}.log`))}; ${moreTime(this.#run)}`,
      );
    problems.push(role === 'load' ? `part ${region} is lost: ${how}` : `during the run ${how}`);
    if (role === 'load') this.#lost.add(region);
  }

  /** A sentence for each service whose end may come to light only after the run. */
  #silent(): string[] {
    return this.#of.services.flatMap(({ name, role }) => {
      const task = this.#on.tasks.of(name);
      return role !== 'load' && task?.state === 'lost' ? [`at the end of the run ${describeTask(task)}`] : [];
    });
  }

  get #collectMs(): number {
    return this.#run.collectMs ?? COLLECT_MS;
  }

  #received() {
    const { regions } = this.#run.plan.topology;
    return this.#on.clock.received.filter(({ run, name }) => run === this.#of.id && regions.includes(name));
  }

  #waited(): string[] {
    const came = this.#received().map(({ name }) => name);
    return this.#run.plan.topology.regions.filter((name) => !came.includes(name) && !this.#lost.has(name));
  }

  #isLate(): boolean {
    const { startUs } = this.#of;
    const endUs = startUs + 1_000 * this.#run.plan.load.durationMs;
    return monotonicUs() > Math.max(this.#on.clock.receivedUs, endUs) + 1_000 * this.#collectMs;
  }

  #lateText(region: string): string {
    const task = this.#on.tasks.of(`load-${region}`);
    const how = task === undefined ? '' : `: ${describeTask(task)}`;
    return `part ${region} did not come within ${this.#collectMs / 1_000} s after the load${how}`;
  }
}
