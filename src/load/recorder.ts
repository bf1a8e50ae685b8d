import { performance } from 'node:perf_hooks';
import * as hdr from 'hdr-histogram-js';
import type { Operation, Outcome } from '../history/operation.ts';
import type { Reply } from './outcome.ts';

/** An operation that was invoked and is not yet completed. */
export interface OpenOperation {
  readonly index: number;
  readonly bucket: string;
  readonly user: string;
  readonly region: string;
  readonly process: number;
  readonly cost: number;
  /** When it was sent. */
  readonly invokedUs: number;
  /** When it should have been, of an open load: its latency counts from then. */
  readonly intendedUs?: number;
}

export interface LatencySummary {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** Our own books: every request that is sent gets one record, whatever becomes of it. */
export class Recorder {
  readonly #write: (operation: Operation) => void;
  readonly #originMs = performance.now();
  readonly #open = new Set<OpenOperation>();
  readonly #latencies = new Map<string, { region: string; outcome: Outcome; histogram: hdr.Histogram }>();
  readonly counts: Record<Outcome, number> = { allowed: 0, denied: 0, failed: 0, info: 0 };
  /** Requests that were due and not sent, since every connection of their region was busy. */
  readonly dropped = new Map<string, number>();
  #sent = 0;

  constructor(write: (operation: Operation) => void) {
    this.#write = write;
  }

  get sent(): number {
    return this.#sent;
  }

  get inFlight(): number {
    return this.#open.size;
  }

  /** Microseconds of the run's one monotonic clock, not rounded. */
  nowUs(): number {
    return (performance.now() - this.#originMs) * 1_000;
  }

  invoke(
    { bucket, user, region, process, cost }: Omit<OpenOperation, 'index' | 'invokedUs' | 'intendedUs'>,
    intendedUs?: number,
  ): OpenOperation {
    const invokedUs = Math.floor(this.nowUs());
    const open: OpenOperation = {
      index: this.#sent++,
      bucket,
      user,
      region,
      process,
      cost,
      invokedUs,
      ...(intendedUs === undefined ? undefined : { intendedUs: Math.floor(intendedUs) }),
    };
    this.#open.add(open);
    return open;
  }

  drop(region: string): void {
    this.dropped.set(region, (this.dropped.get(region) ?? 0) + 1);
  }

  complete(open: OpenOperation, reply: Reply): void {
    if (!this.#open.has(open)) return;
    const completedUs = Math.ceil(this.nowUs());
    this.#histogram(open.region, reply.outcome).recordValue(
      completedUs - (open.intendedUs ?? open.invokedUs),
    );
    this.#close(open, { ...reply, completedUs: reply.outcome === 'info' ? null : completedUs });
  }

  /** The request was sent and no reply will come: it may have been charged. */
  lose(open: OpenOperation, error: string): void {
    this.#close(open, { outcome: 'info', error, completedUs: null });
  }

  /** The request certainly never left. */
  fail(open: OpenOperation, error: string): void {
    this.#close(open, { outcome: 'failed', error, completedUs: Math.ceil(this.nowUs()) });
  }

  /** Ends the books: what is still open has no reply. */
  loseAll(error: string): void {
    for (const open of this.#open) this.lose(open, error);
  }

  latencies(): { region: string; outcome: Outcome; latency: LatencySummary }[] {
    return [...this.#latencies.values()].map(({ region, outcome, histogram }) => ({
      region,
      outcome,
      latency: {
        count: histogram.totalCount,
        p50Us: histogram.getValueAtPercentile(50),
        p99Us: histogram.getValueAtPercentile(99),
        maxUs: histogram.maxValue,
      },
    }));
  }

  #close(
    open: OpenOperation,
    end: Pick<Operation, 'outcome' | 'completedUs' | 'status' | 'error' | 'decision'>,
  ): void {
    if (!this.#open.delete(open)) return;
    this.counts[end.outcome]++;
    this.#write({ type: 'op', ...open, ...end });
  }

  #histogram(region: string, outcome: Outcome): hdr.Histogram {
    const key = `${region}/${outcome}`;
    let entry = this.#latencies.get(key);
    if (entry === undefined) {
      entry = {
        region,
        outcome,
        histogram: hdr.build({ bitBucketSize: 32, numberOfSignificantValueDigits: 3 }),
      };
      this.#latencies.set(key, entry);
    }
    return entry.histogram;
  }
}
