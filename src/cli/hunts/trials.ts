import type { Evaluate } from '../../hunt/evaluate.ts';
import type { Outcome } from '../../hunt/outcome.ts';
import type { Schedule } from '../../hunt/schedule.ts';
import type { Tried } from '../../hunt/search.ts';
import type { HuntJournal } from '../files/hunt-journal.ts';

/** What a schedule came to. `stopped`: it was not run to its end. */
export type Trial = Outcome | 'stopped';

/** A schedule whose run failed. */
export interface Failed {
  readonly schedule: Schedule;
  readonly reason: string;
}

/** As bad as none: a search turns away from it. */
const NOT_RUN: Outcome = {
  ...{ excess: 0, bound: null, lacking: 0, verdict: 'unknown', requests: 0, lostPerSecond: 0 },
  failure: 'it was not run',
};

/** Whether a schedule of a search was run to its end. */
export function hasOutcome({ outcome }: Tried): boolean {
  return outcome.failure === undefined;
}

/** Tries the schedules of a hunt; those in its journal are not run again. */
export class Trials {
  readonly failed: Failed[] = [];
  /** Tried so far, those of the journal included. */
  count = 0;
  /** Run by this program. */
  runs = 0;
  readonly #journal: HuntJournal;
  readonly #run: (schedule: Schedule) => Promise<Trial>;
  readonly #onKnown: (outcome: Outcome) => void;
  readonly #startedMs = performance.now();

  /** `onKnown` gets an outcome of the journal, before the schedules behind it are run. */
  constructor(
    journal: HuntJournal,
    run: (schedule: Schedule) => Promise<Trial>,
    onKnown: (outcome: Outcome) => void = () => {},
  ) {
    this.#journal = journal;
    this.#run = run;
    this.#onKnown = onKnown;
  }

  /** Milliseconds since the hunt began, without the time between two commands. */
  get elapsedMs(): number {
    return this.#journal.elapsedMs + this.ownMs;
  }

  /** Milliseconds of this program. */
  get ownMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** A schedule that was not run has an outcome that no search prefers. Throws what the first one throws that cannot be run. */
  readonly evaluate: Evaluate = async (schedules) => {
    const settled = await Promise.allSettled(schedules.map((schedule) => this.#outcomeOf(schedule)));
    return settled.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  };

  async #outcomeOf(schedule: Schedule): Promise<Outcome> {
    const known = this.#journal.known(schedule);
    if (known !== undefined) this.#onKnown(known);
    const outcome = known ?? (await this.#run(schedule));
    if (outcome === 'stopped') return NOT_RUN;
    this.count++;
    if (known !== undefined) return known;
    this.runs++;
    const { failure } = outcome;
    if (failure !== undefined) this.failed.push({ schedule, reason: failure });
    else this.#journal.add({ schedule, outcome, atMs: Math.round(this.elapsedMs) });
    return outcome;
  }
}
