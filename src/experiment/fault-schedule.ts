import { setTimeout as sleep } from 'node:timers/promises';
import { makeRandom } from '../core/prng.ts';
import { injectFault } from '../faults/registry.ts';
import type { FaultContext, Undo } from '../faults/support/fault.ts';
import type { Shell } from '../faults/support/shell.ts';
import { undoLeftBy } from '../faults/support/undo.ts';
import type { FaultRecord } from '../history/records/operation.ts';
import type { PlannedFault } from '../scenario/plan.ts';

export interface ScheduleOptions {
  readonly faults: readonly PlannedFault[];
  readonly seed: number;
  readonly system: Pick<FaultContext, 'regions' | 'setServiceClock'>;
  /** For faults by commands. */
  readonly shell?: Omit<Shell, 'number'>;
  readonly nowUs: () => number;
  readonly record: (fault: FaultRecord) => void;
  /** Resolves once the system has settled by itself, with no fault in force; stops on abort. */
  readonly settled?: (signal: AbortSignal) => Promise<void>;
}

/** Injects and heals the faults of a plan at their times. `end` leaves no fault in force. */
export class FaultSchedule {
  readonly #options: ScheduleOptions;
  readonly #over = new AbortController();
  /** The faults in force, oldest first. */
  readonly #inForce: { readonly fault: PlannedFault; readonly injection: Promise<Undo> }[] = [];
  readonly #running: Promise<void>[] = [];
  /** The wait for the system to settle, from the last heal until then or until the next fault. */
  #quiet: { readonly over: AbortController; readonly waiting: Promise<void> } | undefined;
  readonly #problems: string[] = [];
  #failure: unknown;
  #hasInjected = false;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /** Starts the clock: the load starts now. Calls `onFailure` when the first fault cannot be injected. */
  start(onFailure: () => void): void {
    for (const [number, fault] of this.#options.faults.entries()) {
      const run = this.#play(fault, number).catch((error: unknown) => {
        if (this.#over.signal.aborted) return;
        this.#failure ??= error;
        onFailure();
      });
      this.#running.push(run);
    }
  }

  /** The names of the faults in force. */
  get inForce(): readonly string[] {
    return this.#inForce.map(({ fault }) => fault.fault);
  }

  /** A sentence for each fault that came to nothing because of an earlier one, and for each late heal. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** The error of a first fault that could not be injected. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Heals all faults in force, latest first; gives a sentence for each that stays in force. */
  async end(): Promise<string[]> {
    this.#over.abort();
    this.#quiet?.over.abort();
    await this.#quiet?.waiting;
    await Promise.all(this.#running); // injections and heals in progress; after a failed heal the fault stays in force
    const failures: string[] = [];
    for (const { fault } of [...this.#inForce].reverse()) {
      await this.#heal(fault).catch((error: unknown) =>
        failures.push(`heal ${fault.fault}: ${String(error)}`),
      );
    }
    return failures;
  }

  async #play(fault: PlannedFault, number: number): Promise<void> {
    const { seed, system, shell } = this.#options;
    const { signal } = this.#over;
    if (fault.atMs > 0) await sleep(fault.atMs, undefined, { signal });
    this.#quiet?.over.abort();
    this.#record(fault, 'inject');
    const random = makeRandom(seed, `fault ${number}`);
    const isFirst = !this.#hasInjected;
    this.#hasInjected = true;
    const numbered = shell && { shell: { ...shell, number: number + 1 } };
    const injection = injectFault(fault, { ...system, ...numbered, random, signal });
    this.#inForce.push({ fault, injection });
    try {
      await injection;
    } catch (error) {
      if (signal.aborted) this.#problems.push(`${fault.fault} was not in force before the load ended`);
      if (isFirst || signal.aborted) throw error;
      this.#note(`${fault.fault} could not be injected after an earlier fault`, error);
      return this.#healInTime(fault);
    }
    await sleep(fault.forMs, undefined, { signal });
    await this.#healInTime(fault);
  }

  async #healInTime(fault: PlannedFault): Promise<void> {
    await this.#heal(fault).catch((error: unknown) => this.#note(`${fault.fault} was healed late`, error));
  }

  #note(what: string, error: unknown): void {
    if (this.#over.signal.aborted) return;
    this.#problems.push(`${what}: ${error instanceof Error ? error.message : error}`);
  }

  /** A fault is in force until its undo succeeds; the next call tries a failed undo again. */
  async #heal(fault: PlannedFault): Promise<void> {
    const entry = this.#inForce.find((one) => one.fault === fault);
    if (entry === undefined) return;
    const undo = await entry.injection.catch(undoLeftBy); // a failed injection removes its parts itself
    const atUs = Math.floor(this.#options.nowUs());
    await undo?.();
    const at = this.#inForce.indexOf(entry);
    if (at < 0) return;
    this.#inForce.splice(at, 1);
    this.#record(fault, 'heal', atUs);
    if (this.#inForce.length === 0 && !this.#over.signal.aborted) this.#awaitQuiet(fault.fault);
  }

  #awaitQuiet(fault: string): void {
    const { settled, record, nowUs } = this.#options;
    if (settled === undefined) return;
    const over = new AbortController();
    const waiting = settled(over.signal).then(
      () => {
        if (!over.signal.aborted)
          record({ type: 'fault', fault, phase: 'settled', atUs: Math.ceil(nowUs()) });
      },
      () => {}, // no record: the checker must not assume that it settled
    );
    this.#quiet = { over, waiting };
  }

  #record(
    { fault, atMs: _at, forMs: _for, ...args }: PlannedFault,
    phase: FaultRecord['phase'],
    atUs = Math.floor(this.#options.nowUs()),
  ): void {
    this.#options.record({ type: 'fault', fault, phase, atUs, args });
  }
}
