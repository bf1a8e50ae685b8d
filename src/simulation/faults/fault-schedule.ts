import type { OpenclawError } from '../../core/errors.ts';
import { makeRandom } from '../../core/prng.ts';
import type { Timer } from '../../core/time.ts';
import { neverInjected, proofRecord } from '../../experiment/fault-proof.ts';
import { type Event, type FaultRecord, SLOTS_EVENT } from '../../history/records/operation.ts';
import type { NoteMove } from '../../regions/cluster/slots/move-slots.ts';
import type { PlannedFault } from '../../scenario/plan.ts';
import { CLOCK_LOOK_US } from '../delays.ts';
import type { FaultSystem, Sight, SimulatedFault } from './fault.ts';
import { makeFault } from './registry.ts';
import { whenSettled } from './settled.ts';

export interface ScheduleOptions {
  readonly faults: readonly PlannedFault[];
  readonly seed: number;
  readonly system: FaultSystem;
  /** Times are microseconds of the simulation. */
  readonly record: (record: FaultRecord | Event) => void;
}

interface InForce {
  readonly fault: PlannedFault;
  readonly made: SimulatedFault;
  sight: Sight | undefined;
  isInjecting: boolean;
  isHealing: boolean;
  /** When its heal was first tried. */
  triedUs: number | undefined;
  /** Its heal failed after the load: it stays in force. */
  isLeft: boolean;
}

const NOT_SEEN: Sight = { bit: false, saw: 'it ended before it was looked at' };

/**
 * Injects and heals the faults of a plan at their times in virtual time, and records what `FaultSchedule` records of real
 * ones: `inject`, `heal`, what the model knows of each, and `settled`. Waits are those of local regions; all else that
 * takes a real injection milliseconds is done at once, except for links.
 */
export class SimulatedFaultSchedule {
  readonly #options: ScheduleOptions;
  readonly #planned: Timer[] = [];
  /** The faults in force, oldest first. */
  readonly #inForce: InForce[] = [];
  readonly #problems: string[] = [];
  #quiet: Timer | undefined;
  /** The faults whose injection was begun. */
  readonly #begun = new Set<PlannedFault>();
  #failure: OpenclawError | undefined;
  #ended: ((failures: readonly string[]) => void) | undefined;
  readonly #left: string[] = [];

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /** The load starts now. Calls `onFailure` if the first fault cannot be injected. */
  start(onFailure: () => void): void {
    const { faults, system } = this.#options;
    for (const [number, fault] of faults.entries()) {
      const begin = () => this.#begin(fault, number, onFailure);
      this.#planned.push(system.time.after(dueUs(fault), begin));
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

  /** Why the first fault could not be injected. */
  get failure(): OpenclawError | undefined {
    return this.#failure;
  }

  /** The load is over: heals all that is in force, latest first, then calls with a sentence for each that stays in force. */
  end(over: (failures: readonly string[]) => void): void {
    this.#ended = over;
    for (const timer of this.#planned) timer.cancel();
    this.#quiet?.cancel();
    this.#problems.push(...neverInjected(this.#options.faults, this.#begun));
    this.#healNext();
  }

  #begin(fault: PlannedFault, number: number, onFailure: () => void): void {
    const { seed, system } = this.#options;
    const random = makeRandom(seed, `fault ${number}`);
    const isOver = () => this.#ended !== undefined;
    const made = makeFault(fault, { ...system, random, isOver, noteMove: this.#noteMove });
    this.#quiet?.cancel();
    this.#record(fault, 'inject', system.time.nowUs);
    const isFirst = this.#begun.size === 0;
    this.#begun.add(fault);
    const entry: InForce = {
      fault,
      made,
      sight: undefined,
      isInjecting: true,
      isHealing: false,
      triedUs: undefined,
      isLeft: false,
    };
    this.#inForce.push(entry);
    made.inject((failure) => {
      entry.isInjecting = false;
      if (this.#ended !== undefined) {
        if (failure !== undefined)
          this.#problems.push(`${fault.fault} was not in force before the load ended`);
        this.#healNext();
      } else if (failure === undefined) this.#hold(entry);
      else if (isFirst) {
        this.#failure = failure;
        onFailure();
      } else {
        this.#problems.push(
          `${fault.fault} could not be injected after an earlier fault: ${failure.message}`,
        );
        this.#heal(entry);
      }
    });
  }

  /** Looks at a fault at once or before its heal, which is due after its planned length. */
  #hold(entry: InForce): void {
    const { made, fault } = entry;
    if (made.looks === 'once injected') entry.sight = made.look();
    const heal = () => this.#heal(entry);
    this.#planned.push(this.#options.system.time.after(fault.forMs * 1_000, heal));
  }

  #healNext(): void {
    const last = this.#inForce.findLast(({ isLeft }) => !isLeft);
    if (last === undefined) this.#ended?.(this.#left);
    else if (!this.#inForce.some(({ isInjecting, isHealing }) => isInjecting || isHealing)) this.#heal(last);
  }

  #heal(entry: InForce): void {
    const { made, fault } = entry;
    const { time } = this.#options.system;
    const atUs = time.nowUs;
    if (made.looks === 'before the heal') entry.sight = made.look();
    entry.isHealing = true;
    entry.triedUs ??= atUs;
    const triedUs = entry.triedUs;
    made.heal((failure) => {
      entry.isHealing = false;
      if (failure !== undefined) return this.#notHealed(entry, failure);
      this.#inForce.splice(this.#inForce.indexOf(entry), 1);
      // Services that a failed try has started admit since then.
      this.#record(fault, 'heal', fault.fault === 'restart-service' ? triedUs : atUs);
      if (made.looks === 'after the heal') entry.sight = made.look();
      const proof = { ...(entry.sight ?? NOT_SEEN), atUs: time.nowUs };
      this.#options.record(proofRecord(fault.fault, proof));
      if (this.#ended !== undefined) this.#healNext();
      else if (this.#inForce.length === 0) this.#awaitQuiet(fault.fault);
    });
  }

  /** It stays in force, until the load is over at least. */
  #notHealed(entry: InForce, failure: OpenclawError): void {
    const { fault } = entry.fault;
    if (this.#ended === undefined) {
      this.#problems.push(`${fault} was healed late: ${failure.message}`);
      return;
    }
    entry.isLeft = true;
    this.#left.push(`heal ${fault}: ${failure}`);
    this.#healNext();
  }

  /** From before the first slot moves until after the last one. */
  readonly #noteMove: NoteMove = (args) => {
    const { record, system } = this.#options;
    const atUs = system.time.nowUs;
    return (isDone) => {
      const untilUs = isDone ? system.time.nowUs : null;
      record({ type: 'event', event: SLOTS_EVENT, atUs, args: { ...args, untilUs } });
    };
  };

  #awaitQuiet(fault: string): void {
    const { system, record } = this.#options;
    this.#quiet = whenSettled(system, () =>
      record({ type: 'fault', fault, phase: 'settled', atUs: system.time.nowUs }),
    );
  }

  #record(planned: PlannedFault, phase: FaultRecord['phase'], atUs: number): void {
    const { fault, atMs: _at, forMs: _for, ...args } = planned;
    this.#options.record({ type: 'fault', fault, phase, atUs, args });
  }
}

/** A real fault is injected once its first look has read what it is compared with: the clock of a busy service is slow to read. */
function dueUs({ fault, atMs }: PlannedFault): number {
  return Math.max(atMs * 1_000, fault === 'gateway-clock' ? CLOCK_LOOK_US : 0);
}
