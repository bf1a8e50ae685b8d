import { crc32 } from 'node:zlib';
import type { Time } from '../../../core/time.ts';
import type { TextPort } from '../../redis/port.ts';
import { loadScript } from '../../redis/script.ts';
import { groupEntries, type OutboxBatch, readEntries } from './batch.ts';
import type { RegionKeys } from './keys.ts';

/** How the data of the regions becomes one bucket: the union of their spends, or the last write. */
export type MergeRule = 'spends' | 'last-write';

export interface ReplicatorOptions {
  /** This region's own Redis. */
  readonly redis: TextPort;
  /** The Redis of each other region by name, as this region reaches it. */
  readonly others: ReadonlyMap<string, TextPort>;
  readonly keys: RegionKeys;
  readonly merge: MergeRule;
  readonly maxAgeUs: number;
  /** The pause between two rounds, milliseconds. */
  readonly everyMs: number;
  readonly time: Time;
}

/** The progress of the exchange with one other region. */
export interface PeerProgress {
  /** Completed rounds: everything that the other region had at the start of the round is merged. */
  readonly rounds: number;
  /** Spends trimmed from the other region's outbox before they were read; they never count here. */
  readonly missed: number;
  /** The error of the last round; absent if it was completed. */
  readonly lastError?: string;
}

/** The reply of `lua/active-merge.lua`. */
interface Position {
  readonly clockUs: number;
  readonly number: number;
  readonly life: string;
  readonly steps: number;
}

/** The most spends in one batch, which one script call merges while other commands wait. */
const BATCH = 1_000;

/** The number of a region: the same on every node, independent of the other regions. */
export function regionNumber(name: string): number {
  return crc32(name);
}

/**
 * Copies the spends of other regions into this region's Redis, batch by batch, each region at its own pace. It has no
 * queue: it reads an outbox from the end of the last merged batch, which is stored with the merged data. So it resumes
 * after a partition or a restart, and several replicators of a region are safe.
 */
export class Replicator {
  readonly #options: ReplicatorOptions;
  readonly #stop = new AbortController();
  readonly #progress = new Map<string, PeerProgress>();
  readonly #readScript = loadScript('active-read');
  readonly #mergeScript = loadScript('active-merge');
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: ReplicatorOptions) {
    this.#options = options;
  }

  start(): void {
    const others = [...this.#options.others];
    this.#loops = Promise.all(others.map(([name, other]) => this.#follow(name, other)));
  }

  /** Resolves once no round is running. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
  }

  progressOf(region: string): PeerProgress {
    return this.#progress.get(region) ?? { rounds: 0, missed: 0 };
  }

  async #follow(name: string, other: TextPort): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const failed = await this.#round(name, other).then(
        () => undefined,
        (error: Error) => error.message,
      );
      const { rounds, missed } = this.progressOf(name);
      this.#progress.set(
        name,
        failed === undefined ? { rounds: rounds + 1, missed } : { rounds, missed, lastError: failed },
      );
      await this.#pause();
    }
  }

  /** Ends early when the replicator stops. */
  #pause(): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = () => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#options.time.after(this.#options.everyMs, end);
      signal.addEventListener('abort', end);
    });
  }

  /**
   * Reads everything that the other region had at the start of the round; later spends belong to the next round. The
   * age of the data counts from before the first request, and is unknown if the clock stepped back meanwhile. If this
   * region's position has moved (its Redis lost its data, or another service of the region was faster), the batch is
   * dropped and the round continues from there. Another life of the other region (its Redis lost its data, restarted
   * or failed over) is read from its start; the age is then unknown for `maxAge`, since spends of the life before may
   * be lost.
   */
  async #round(name: string, other: TextPort): Promise<void> {
    const { keys } = this.#options;
    const start = await this.#merge(name, [], ['0', '', '', ...this.#mergeArguments(), '', '0']);
    let { life, number } = start;
    let wanted: OutboxBatch | undefined;
    for (let isMore = true; isMore && !this.#stop.signal.aborted; ) {
      const from = [life, `0-${number}`] as const;
      const args = [...from, String(BATCH), String(this.#options.maxAgeUs)];
      const { values } = await other.runText(this.#readScript, [keys.region, keys.outbox], args);
      const batch = readEntries(values);
      if (wanted?.life !== batch.life) wanted = batch;
      isMore = numberOf(batch.cursor) < numberOf(wanted.newest);
      const buckets = groupEntries(batch.entries);
      const requestedAt = isMore ? '' : `${start.clockUs} ${start.steps}`;
      const merged = await this.#merge(
        name,
        [...buckets.keys()],
        [
          ...[
            batch.life,
            batch.cursor,
            requestedAt,
            ...this.#mergeArguments(),
            from.join(' '),
            String(batch.missed),
          ],
          ...[...buckets.values()].flat(),
        ],
      );
      ({ life, number } = merged);
      const isTaken = life === batch.life && number === numberOf(batch.cursor);
      if (isTaken && batch.missed > 0) this.#noteMissed(name, batch.missed);
      isMore ||= !isTaken;
    }
  }

  #noteMissed(name: string, missed: number): void {
    const progress = this.progressOf(name);
    this.#progress.set(name, { ...progress, missed: progress.missed + missed });
  }

  #mergeArguments(): readonly string[] {
    const { maxAgeUs, merge } = this.#options;
    return [String(maxAgeUs), merge];
  }

  /** Merges a batch. Returns this region's server time, how often it stepped back, and the last entry and life read. */
  async #merge(name: string, buckets: readonly string[], args: readonly string[]): Promise<Position> {
    const { redis, keys } = this.#options;
    const { values } = await redis.run(
      this.#mergeScript,
      [keys.region, keys.cursors, ...buckets],
      [name, String(regionNumber(name)), ...args],
    );
    const [clockUs = 0, number = 0, life = 0, steps = 0] = values;
    return { clockUs, number, life: String(life), steps };
  }
}

/** The number in an entry's id: 0-1, 0-2, and so on. */
function numberOf(id: string): number {
  return Number(id.slice(id.indexOf('-') + 1));
}
