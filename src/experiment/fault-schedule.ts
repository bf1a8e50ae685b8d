import { setTimeout as sleep } from 'node:timers/promises';
import { given } from '../core/given.ts';
import { makeRandom } from '../core/prng.ts';
import { failedLook, neverSeen, type ProbeContext } from '../faults/probes/probe.ts';
import { makeProbe } from '../faults/probes/registry.ts';
import { Traffic } from '../faults/probes/traffic.ts';
import { injectFault } from '../faults/registry.ts';
import type { FaultContext, Undo } from '../faults/support/fault.ts';
import type { Shell } from '../faults/support/shell.ts';
import { undoLeftBy } from '../faults/support/undo.ts';
import { type Event, type FaultRecord, SLOTS_EVENT } from '../history/records/operation.ts';
import type { NoteMove } from '../regions/cluster/slots/move-slots.ts';
import { unlessInterrupted } from '../regions/waiting.ts';
import { definitionOf } from '../scenario/faults/index.ts';
import type { PlannedFault } from '../scenario/plan.ts';
import { FaultProof, LOOK_MS, neverInjected, proofRecord } from './fault-proof.ts';

export interface ScheduleOptions {
  readonly faults: readonly PlannedFault[];
  readonly seed: number;
  readonly system: Pick<
    FaultContext,
    'regions' | 'setServiceClock' | 'readServiceClock' | 'serviceProcesses' | 'services'
  >;
  /** For faults by commands. */
  readonly shell?: Omit<Shell, 'number'>;
  readonly nowUs: () => number;
  readonly record: (record: FaultRecord | Event) => void;
  /** Resolves once the system has settled by itself, with no fault in force; stops on abort. */
  readonly settled?: (signal: AbortSignal) => Promise<void>;
}

const LOOK_EVERY_MS = 20;
/** Commands are counted this long before a fault, so that the count does not meet it. */
const COUNT_MS = 500;

function endOf({ atMs, forMs }: PlannedFault): number {
  return atMs + forMs;
}

interface InForce {
  readonly fault: PlannedFault;
  readonly injection: Promise<Undo>;
  /** Absent if it names no proof. */
  readonly proof: FaultProof | undefined;
  readonly whyNoKey: ReturnType<Traffic['before']>;
  /** When the undo was first tried. */
  triedUs?: number;
}

/** Injects and heals the faults of a plan at their times, and looks whether each was in force. `end` leaves no fault in force. */
export class FaultSchedule {
  readonly #options: ScheduleOptions;
  readonly #traffic: Traffic;
  readonly #over = new AbortController();
  /** The faults in force, oldest first. */
  readonly #inForce: InForce[] = [];
  readonly #running: Promise<void>[] = [];
  /** The wait for the system to settle, from the last heal until then or until the next fault. */
  #quiet: { readonly over: AbortController; readonly waiting: Promise<void> } | undefined;
  readonly #problems: string[] = [];
  #failure: unknown;
  /** The faults whose injection was begun. */
  readonly #begun = new Set<PlannedFault>();
  /** Those after which the system has not settled. */
  readonly #unsettled = new Set<PlannedFault>();

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#traffic = new Traffic(options.system.regions, options.faults);
  }

  /** Reads what faults are compared with from before the load. */
  prepare(): Promise<void> {
    return this.#traffic.prepare();
  }

  /** Starts the clock: the load starts now. Calls `onFailure` when the first fault cannot be injected. */
  start(onFailure: () => void): void {
    this.#traffic.start();
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

  /** A sentence for each fault that came to nothing, because of an earlier one or of the end, and for each late heal. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** The error of a first fault that could not be injected. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Heals all faults in force, latest first; gives a sentence for each that stays in force. */
  async end(): Promise<string[]> {
    const isAgain = this.#over.signal.aborted;
    this.#over.abort();
    this.#quiet?.over.abort();
    await this.#quiet?.waiting;
    await Promise.all(this.#running); // injections and heals in progress; after a failed heal the fault stays in force
    // With a failure, the error of the run says more than what it kept from being injected.
    if (!isAgain && this.#failure === undefined)
      this.#problems.push(...neverInjected(this.#options.faults, this.#begun));
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
    const random = makeRandom(seed, `fault ${number}`);
    const startedMs = performance.now();
    const until = (ms: number) =>
      sleep(Math.max(0, startedMs + ms - performance.now()), undefined, { signal });
    await until(Math.max(fault.atMs - LOOK_MS, ...this.#before(fault).map(endOf)));
    await this.#untilHealed(fault);
    const numbered = shell && { shell: { ...shell, number: number + 1 } };
    const context = { ...system, ...numbered, random, signal, noteMove: this.#noteMove };
    const isAlone = () => this.#inForce.length === 1;
    const proof = await this.#prepare(fault, { ...context, isAlone, others: this.#othersOf(fault) });
    await until(fault.atMs - COUNT_MS);
    const whyNoKey = this.#traffic.before(fault);
    await until(fault.atMs);
    this.#quiet?.over.abort();
    this.#record(fault, 'inject');
    const isFirst = this.#begun.size === 0;
    this.#begun.add(fault);
    this.#unsettled.add(fault);
    const injection = injectFault(fault, context);
    this.#inForce.push({ fault, injection, proof, whyNoKey });
    try {
      await injection;
    } catch (error) {
      if (signal.aborted) this.#problems.push(`${fault.fault} was not in force before the load ended`);
      if (isFirst || signal.aborted) throw error;
      this.#note(`${fault.fault} could not be injected after an earlier fault`, error);
      return this.#healInTime(fault);
    }
    await this.#hold(fault, proof);
    await this.#healInTime(fault);
  }

  async #healInTime(fault: PlannedFault): Promise<void> {
    await this.#heal(fault).catch((error: unknown) => this.#note(`${fault.fault} was healed late`, error));
  }

  /** The other faults that nodes may show from now on. */
  #othersOf(fault: PlannedFault): ProbeContext['others'] {
    const [unsettled, begun] = [[...this.#unsettled], this.#begun.size];
    return () =>
      [...unsettled, ...[...this.#begun].slice(begun)].filter(
        (other) => other !== fault && !definitionOf(other.fault).needsService,
      );
  }

  /** The faults that are planned to be healed before this one. */
  #before(fault: PlannedFault): PlannedFault[] {
    return this.#options.faults.filter((other) => other !== fault && endOf(other) <= fault.atMs);
  }

  /** What a fault is compared with is read once no earlier one changes it; one that is healed late is not waited for. */
  async #untilHealed(fault: PlannedFault): Promise<void> {
    const before = this.#before(fault);
    const untilMs = performance.now() + LOOK_MS;
    while (this.#inForce.some((one) => before.includes(one.fault)) && performance.now() < untilMs)
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.#over.signal });
  }

  /** Reads what the fault is compared with. Rejects on abort. */
  async #prepare(fault: PlannedFault, context: ProbeContext): Promise<FaultProof | undefined> {
    const { signal } = this.#over;
    const making = makeProbe(fault, context).catch((error: unknown) => neverSeen(failedLook(error)));
    const probe = await unlessInterrupted(signal, `preparing ${fault.fault}`, making);
    return probe && new FaultProof(probe, { signal, nowUs: this.#options.nowUs });
  }

  /** Waits for the planned length of a fault, and looks at it meanwhile. */
  async #hold({ forMs }: PlannedFault, proof: FaultProof | undefined): Promise<void> {
    const { signal } = this.#over;
    const endsMs = performance.now() + forMs;
    const leadMs = proof?.leadMs(forMs) ?? 0;
    proof?.injected();
    await sleep(forMs - leadMs, undefined, { signal });
    await (leadMs > 0 ? proof?.ending() : proof?.seen());
    await sleep(Math.max(0, endsMs - performance.now()), undefined, { signal });
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
    entry.triedUs ??= atUs;
    await undo?.();
    const at = this.#inForce.indexOf(entry);
    if (at < 0) return;
    this.#inForce.splice(at, 1);
    // Services that a failed try has started admit since then; any time from kill to start is right for the others.
    this.#record(fault, 'heal', fault.fault === 'restart-service' ? entry.triedUs : atUs);
    if (this.#inForce.length === 0 && !this.#over.signal.aborted) this.#awaitQuiet(fault.fault);
    await this.#prove(entry);
  }

  /** Records what was seen of a fault that has been healed. */
  async #prove({ fault: { fault }, proof, whyNoKey }: InForce): Promise<void> {
    const proved = await proof?.healed();
    if (proved === undefined) return;
    const noKey = await (await whyNoKey)();
    this.#options.record(proofRecord(fault, { ...proved, ...given({ noKey }) }));
  }

  #awaitQuiet(fault: string): void {
    const { settled, record, nowUs } = this.#options;
    if (settled === undefined) return;
    const over = new AbortController();
    const waiting = settled(over.signal).then(
      () => {
        if (over.signal.aborted) return;
        this.#unsettled.clear();
        record({ type: 'fault', fault, phase: 'settled', atUs: Math.ceil(nowUs()) });
      },
      () => {}, // no record: the checker must not assume that it settled
    );
    this.#quiet = { over, waiting };
  }

  /** From before the first slot moves until after the last one. */
  readonly #noteMove: NoteMove = (args) => {
    const { record, nowUs } = this.#options;
    const atUs = Math.floor(nowUs());
    return (isDone) =>
      record({
        ...{ type: 'event', event: SLOTS_EVENT, atUs },
        args: { ...args, untilUs: isDone ? Math.ceil(nowUs()) : null },
      });
  };

  #record(
    { fault, atMs: _at, forMs: _for, ...args }: PlannedFault,
    phase: FaultRecord['phase'],
    atUs = Math.floor(this.#options.nowUs()),
  ): void {
    this.#options.record({ type: 'fault', fault, phase, atUs, args });
  }
}
