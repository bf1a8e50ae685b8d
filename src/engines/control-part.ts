import type { FaultSchedule } from '../experiment/fault-schedule.ts';
import { makeHeader } from '../experiment/header.ts';
import { HistoryFile } from '../experiment/history-file.ts';
import { makeSchedule } from '../experiment/make-schedule.ts';
import type { ClockPings } from '../experiment/parts/clock-pings.ts';
import { recordProblems } from '../experiment/record-problems.ts';
import type { RunOptions } from '../experiment/run-context.ts';
import type { Part } from '../history/records/part.ts';
import { monotonicUs } from '../load/monotonic.ts';

export interface ControlOptions
  extends Pick<RunOptions, 'plan' | 'promise' | 'startedAt' | 'clockSlackUs' | 'folder' | 'shell'> {
  /** Of its history; must not be there yet. */
  readonly file: string;
  readonly part: Part;
  readonly pings: ClockPings;
  /** Called if the history cannot be written. */
  readonly onFailure: () => void;
}

/** Its file among those of other parts: no region has a dot in its name. */
export const CONTROL_FILE = 'control.part.ndjson';

/** The control part of a run: the faults, what went wrong, and the clock of this machine. It sends no load. */
export class ControlPart {
  /** Undefined for a plan without faults. */
  readonly faults: FaultSchedule | undefined;
  readonly #history: HistoryFile;
  readonly #pings: ClockPings;

  constructor(options: ControlOptions) {
    const { plan, part, file, pings, onFailure } = options;
    const header = makeHeader(
      { ...options, part: { header: part } },
      { initial: 'full', regions: plan.topology.regions },
    );
    const history = new HistoryFile(file, header, onFailure);
    pings.writeTo((reading) => history.add(reading));
    const recorder = { nowUs: monotonicUs };
    this.faults = makeSchedule(options, { description: plan.scenario, targets: [] }, { recorder, history });
    this.#history = history;
    this.#pings = pings;
  }

  /** Writes the problems and the end. Rejects if any write failed. */
  async end(problems: readonly string[]): Promise<void> {
    await this.#pings.stop();
    recordProblems(problems, { nowUs: monotonicUs }, this.#history);
    await this.#history.end({ type: 'end', atUs: Math.ceil(monotonicUs()), sent: 0 });
  }

  /** Leaves the file without an end; removes it if it has no records. */
  async abandon(): Promise<void> {
    await this.#pings.stop();
    await this.#history.abandon();
  }
}
