import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { TextPort } from '../redis-port.ts';
import { loadScript } from '../script.ts';
import { groupEntries, readEntries } from './batch.ts';
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
  /** Why the last round was not; absent after one that was. */
  readonly lastError?: string;
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
    return this.#progress.get(region) ?? { rounds: 0 };
  }

  async #follow(name: string, other: TextPort): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const { rounds } = this.progressOf(name);
      const next = await this.#round(name, other).then(
        (): PeerProgress => ({ rounds: rounds + 1 }),
        (error: Error): PeerProgress => ({ rounds, lastError: error.message }),
      );
      this.#progress.set(name, next);
      await sleep(this.#options.everyMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Reads until the other region has nothing more. The age of what is known counts from before the first question. */
  async #round(name: string, other: TextPort): Promise<void> {
    const { keys } = this.#options;
    let { askedUs, life, cursor } = await this.#readPosition(name);
    for (let isMore = true; isMore && !this.#stop.signal.aborted; ) {
      const args = [life, cursor, String(BATCH)];
      const { values } = await other.runText(this.#readScript, [keys.region, keys.outbox], args);
      const batch = readEntries(values);
      isMore = batch.entries.length === BATCH;
      [life, cursor] = [batch.life, batch.cursor];
      const buckets = groupEntries(batch.entries);
      await this.#merge(
        name,
        [...buckets.keys()],
        [...[life, cursor, isMore ? '' : String(askedUs)], ...this.#rules(), ...[...buckets.values()].flat()],
      );
    }
  }

  /** Where reading goes on, and this region's time by its server. */
  async #readPosition(name: string): Promise<{ askedUs: number; life: string; cursor: string }> {
    const [clock = 0, ms = 0, number = 0, life = 0] = await this.#merge(
      name,
      [],
      ['0', '', '', ...this.#rules()],
    );
    return { askedUs: clock, life: String(life), cursor: `${ms}-${number}` };
  }

  #rules(): readonly string[] {
    const { maxAgeUs, merge } = this.#options;
    return [String(maxAgeUs), merge];
  }

  async #merge(
    name: string,
    buckets: readonly string[],
    args: readonly string[],
  ): Promise<readonly number[]> {
    const { redis, keys } = this.#options;
    const { values } = await redis.run(
      this.#mergeScript,
      [keys.region, keys.cursors, ...buckets],
      [name, String(regionNumber(name)), ...args],
    );
    return values;
  }
}
