import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { TextPort } from '../redis-port.ts';
import { loadScript } from '../script.ts';
import { groupEntries, type OutboxBatch, readEntries } from './batch.ts';
import type { RegionKeys } from './keys.ts';

/** How what regions tell each other becomes one bucket: the union of their spends, or whatever was written last. */
export type MergeRule = 'spends' | 'last-write';

export interface ReplicatorOptions {
  /** This region's own Redis. */
  readonly redis: TextPort;
  /** The Redis of every other region, by its name, as it is reached from this one. */
  readonly others: ReadonlyMap<string, TextPort>;
  readonly keys: RegionKeys;
  readonly merge: MergeRule;
  readonly maxAgeUs: number;
  /** From the end of one round to the start of the next. */
  readonly everyMs: number;
}

/** What has become of the exchange with one other region. */
export interface PeerProgress {
  /** Rounds that were completed: everything that the other region had when it was asked is merged. */
  readonly rounds: number;
  /** Spends of the other region that were trimmed from its outbox before they were read, and will never count here. */
  readonly missed: number;
  /** Why the last round was not; absent after one that was. */
  readonly lastError?: string;
}

/** The reply of `lua/active-merge.lua`. */
interface Position {
  readonly clockUs: number;
  readonly number: number;
  readonly life: string;
  readonly steps: number;
}

/** The most spends of one batch: what one call of a script merges while others wait. */
const BATCH = 1_000;

/** Numbers regions the same way on every node, whichever others there are. */
export function regionNumber(name: string): number {
  return crc32(name);
}

/**
 * Brings what other regions spend to this one's Redis, each at its own pace, batch by batch. Nothing is queued here: an
 * outbox is read from where the last merged batch ended, which stands beside what was merged. So it goes on after a cut
 * or a restart, and several of a region at once do no harm.
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

  /** Resolves once no round is under way. */
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
      await sleep(this.#options.everyMs, undefined, { signal }).catch(() => {});
    }
  }

  /**
   * Reads all that the other region had when it was first asked; what it spends meanwhile is for the next round. The age
   * of what is known counts from before the first question, and is not known where the clock stepped back meanwhile. Where
   * this region's position has moved (its Redis lost its memory, or another service of the region was faster), the batch is
   * left out and the round goes on from there. Another life of the other region (its Redis lost its memory, was restarted
   * or failed over) is read from its start: what was lost of the life before is not known here for `maxAge`.
   */
  async #round(name: string, other: TextPort): Promise<void> {
    const { keys } = this.#options;
    const start = await this.#merge(name, [], ['0', '', '', ...this.#rules(), '', '0']);
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
      const asked = isMore ? '' : `${start.clockUs} ${start.steps}`;
      const merged = await this.#merge(
        name,
        [...buckets.keys()],
        [
          ...[batch.life, batch.cursor, asked, ...this.#rules(), from.join(' '), String(batch.missed)],
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

  #rules(): readonly string[] {
    const { maxAgeUs, merge } = this.#options;
    return [String(maxAgeUs), merge];
  }

  /**
   * Merges, and tells where this region stands: its server's time, how often that stepped back, and which entry of which
   * life it has read.
   */
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

/** Of an entry's id: 0-1, 0-2, and so on. */
function numberOf(id: string): number {
  return Number(id.slice(id.indexOf('-') + 1));
}
