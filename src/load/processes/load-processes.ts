import { partsOf } from '../parts.ts';
import type { LoadOptions } from '../run-load.ts';
import type { PlannedUser } from '../users.ts';
import { LoadProcess } from './load-process.ts';
import { MergedRecords } from './merged-records.ts';
import type { LoadTask } from './messages.ts';

export interface LoadProcessesOptions {
  /** The program of a process, which serves a `LoadServer`. */
  readonly program: URL;
  readonly regions: readonly string[];
  /** At most one for each region. */
  readonly count: number;
  readonly silentMs?: number;
  /** Called as soon as they exist, before they can take a load. */
  readonly onStart?: (processes: LoadProcesses) => void;
  /** Called with a sentence if one of them did not run for some time. */
  readonly onPause: (what: string) => void;
}

/** For the connections to be opened. */
const START_AHEAD_US = 200_000;

interface Member {
  readonly process: LoadProcess;
  readonly regions: readonly string[];
}

/** Processes that send a load together, each of them some of its regions. */
export class LoadProcesses {
  readonly #members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /** Resolves once all of them can take a load. Throws ENVIRONMENT_FAILED. */
  static async start({
    regions,
    count,
    onStart,
    onPause,
    ...options
  }: LoadProcessesOptions): Promise<LoadProcesses> {
    const members = Array.from({ length: count }, (_, nth): Member => {
      const own = regions.filter((_region, index) => index % count === nth);
      const name = `load process ${nth + 1} of ${count} (${own.join(', ')})`;
      const pause = (ms: number) => onPause(`${name} stalled for ${(ms / 1_000).toFixed(1)} s`);
      return { process: new LoadProcess({ ...options, name, onPause: pause }), regions: own };
    });
    const processes = new LoadProcesses(members);
    onStart?.(processes);
    await processes.#all(({ process }) => process.ready());
    return processes;
  }

  /**
   * Sends a load, as `runLoad` does; the recorder gets what all processes record, in the order of time. If one of them
   * ends by itself, all are killed, and it rejects with ENVIRONMENT_FAILED; what was recorded is then complete up to the
   * last record.
   */
  async send({ recorder, signal, startAtUs: _ownStart, ...load }: LoadOptions): Promise<number> {
    const task = { ...load, users: [...load.users], originUs: recorder.originUs };
    await this.#all(({ process, regions }) => process.load(taskOf(task, regions)));
    const merged = new MergedRecords(this.#members.length, recorder.adopt.bind(recorder));
    const startAtUs = recorder.nowUs() + START_AHEAD_US;
    const ended = this.#all(async ({ process }, nth) => {
      const done = await process.start(startAtUs, (upToUs, records) => merged.add(nth, upToUs, records));
      merged.end(nth);
      return done;
    });
    const stop = () => {
      for (const { process } of this.#members) process.stop();
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    try {
      const all = await ended;
      recorder.dropped.push(...all.flatMap(({ dropped }) => dropped));
      return Math.max(...all.map(({ loadMs }) => loadMs));
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ process }) => process.close()));
  }

  kill(): void {
    for (const { process } of this.#members) process.kill();
  }

  /** If one fails, the others are killed. */
  async #all<T>(act: (member: Member, nth: number) => Promise<T>): Promise<T[]> {
    try {
      return await Promise.all(this.#members.map(act));
    } catch (error) {
      this.kill();
      throw error;
    }
  }
}

/** The share of these regions, with the users who send from them; a log needs all, since it draws their regions. */
function taskOf({ users, targets, ...load }: Omit<LoadTask, 'parts'>, regions: readonly string[]): LoadTask {
  const isOwn = ({ regions: from }: PlannedUser) => from.some((region) => regions.includes(region));
  return {
    ...load,
    users: load.recorded === undefined ? users.filter(isOwn) : users,
    targets: targets.filter(({ region }) => regions.includes(region)),
    parts: partsOf(regions),
  };
}
