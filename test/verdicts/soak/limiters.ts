import { type Bucket, fullBucket, takeAll } from '../../../src/core/bucket.ts';
import type { Policy } from '../../../src/core/policy.ts';
import { refund } from '../../support/refund.ts';
import type { Plan } from './plan.ts';

/** The part of one decision that concerns one bucket; a negative cost gives back. */
export interface Part {
  readonly bucket: string;
  /** Its place among the plan's policies. */
  readonly policy: number;
  readonly cost: number;
}

export interface Decided {
  readonly isAllowed: boolean;
  /** Of the first part, where the limiter has levels. */
  readonly level?: { readonly levelQuanta: number; readonly bucketUs: number };
}

/** A limiter that decides at one moment of its own clock, and keeps its promise. */
export interface Limiter {
  decide(parts: readonly Part[], atUs: number, region: number): Decided;
  /** Makes this bucket, or each, as if it had never been asked for. */
  reset(bucket: string | undefined, atUs: number): void;
}

export function createLimiter({ limiter, policies, windowUs }: Plan): Limiter {
  if (limiter === 'bucket') return new TokenBuckets(policies);
  const [{ capacityTokens }] = policies as [Policy];
  const limit = { limit: capacityTokens, windowUs };
  if (limiter === 'sliding') return new SlidingLogs(limit);
  const startOf = {
    epoch: (nowUs: number) => Math.floor(nowUs / windowUs) * windowUs,
    first: (nowUs: number) => nowUs,
    timer: (nowUs: number) => Math.floor((nowUs + TIMER_US) / windowUs) * windowUs - TIMER_US,
  }[limiter];
  return new FixedWindows({ ...limit, startOf });
}

/** Where a limiter whose windows a timer starts was started. */
const TIMER_US = 317_431;

/** The bucket of src/core, for each name and policy. */
class TokenBuckets implements Limiter {
  readonly policies: readonly Policy[];
  readonly buckets = new Map<string, Bucket>();

  constructor(policies: readonly Policy[]) {
    this.policies = policies;
  }

  decide(parts: readonly Part[], atUs: number): Decided {
    if (parts.some(({ cost }) => cost < 0)) return this.giveBack(parts, atUs);
    const request = parts.map(({ bucket, policy, cost }) => ({
      bucket: this.bucketOf(bucket, policy, atUs),
      policy: this.policies[policy] as Policy,
      costTokens: cost,
    }));
    const { allowed, taken } = takeAll(request, atUs);
    if (allowed)
      for (const [i, part] of parts.entries()) this.buckets.set(keyOf(part), taken[i]?.bucket as Bucket);
    const { levelQuanta = 0, bucketUs = 0 } = taken[0]?.result ?? {};
    return { isAllowed: allowed, level: { levelQuanta, bucketUs } };
  }

  reset(bucket: string | undefined): void {
    for (const key of this.buckets.keys())
      if (bucket === undefined || key.endsWith(` ${bucket}`)) this.buckets.delete(key);
  }

  protected giveBack(parts: readonly Part[], nowUs: number): Decided {
    for (const part of parts) {
      const policy = this.policies[part.policy] as Policy;
      const bucket = this.bucketOf(part.bucket, part.policy, nowUs);
      this.buckets.set(keyOf(part), refund(bucket, policy, { tokens: -part.cost, nowUs }));
    }
    const [first] = parts as [Part];
    const { levelQuanta, updatedAtUs } = this.buckets.get(keyOf(first)) as Bucket;
    return { isAllowed: true, level: { levelQuanta, bucketUs: updatedAtUs } };
  }

  protected bucketOf(bucket: string, policy: number, nowUs: number): Bucket {
    const found = this.buckets.get(keyOf({ bucket, policy }));
    return found ?? fullBucket(this.policies[policy] as Policy, nowUs);
  }
}

function keyOf({ bucket, policy }: Pick<Part, 'bucket' | 'policy'>): string {
  return `${policy} ${bucket}`;
}

interface Window {
  readonly startUs: number;
  used: number;
}

/** As many as the limit in each window; `startOf` says when the one begins that is opened now. */
class FixedWindows implements Limiter {
  readonly #limit: number;
  readonly #windowUs: number;
  readonly #startOf: (nowUs: number) => number;
  readonly #windows = new Map<string, Window>();
  #latestUs = Number.NEGATIVE_INFINITY;

  constructor(how: { limit: number; windowUs: number; startOf: (nowUs: number) => number }) {
    this.#limit = how.limit;
    this.#windowUs = how.windowUs;
    this.#startOf = how.startOf;
  }

  /** Its time never goes back, or a window that is over would be filled again. */
  decide([part]: readonly [Part] | readonly Part[], atUs: number): Decided {
    const { bucket, cost } = part as Part;
    this.#latestUs = Math.max(this.#latestUs, atUs);
    let window = this.#windows.get(bucket);
    if (window === undefined || this.#latestUs >= window.startUs + this.#windowUs) {
      window = { startUs: this.#startOf(this.#latestUs), used: 0 };
      this.#windows.set(bucket, window);
    }
    if (window.used + cost > this.#limit) return { isAllowed: false };
    window.used = Math.max(0, window.used + cost);
    return { isAllowed: true };
  }

  reset(bucket: string | undefined): void {
    if (bucket === undefined) this.#windows.clear();
    else this.#windows.delete(bucket);
  }
}

interface Admission {
  readonly atUs: number;
  cost: number;
}

/** Remembers every admission for the length of the window. */
class SlidingLogs implements Limiter {
  readonly #limit: number;
  readonly #windowUs: number;
  readonly #logs = new Map<string, Admission[]>();
  #latestUs = Number.NEGATIVE_INFINITY;

  constructor({ limit, windowUs }: { limit: number; windowUs: number }) {
    this.#limit = limit;
    this.#windowUs = windowUs;
  }

  decide([part]: readonly [Part] | readonly Part[], atUs: number): Decided {
    const { bucket, cost } = part as Part;
    this.#latestUs = Math.max(this.#latestUs, atUs);
    const log = (this.#logs.get(bucket) ?? []).filter((one) => one.atUs > this.#latestUs - this.#windowUs);
    this.#logs.set(bucket, log);
    const used = log.reduce((sum, one) => sum + one.cost, 0);
    if (used + cost > this.#limit) return { isAllowed: false };
    if (cost >= 0) log.push({ atUs: this.#latestUs, cost });
    else takeBack(log, -cost);
    return { isAllowed: true };
  }

  reset(bucket: string | undefined): void {
    if (bucket === undefined) this.#logs.clear();
    else this.#logs.delete(bucket);
  }
}

/** The newest first; what is given back beyond what was used is nothing. */
function takeBack(log: Admission[], tokens: number): void {
  let left = tokens;
  for (let last = log.at(-1); left > 0 && last !== undefined; last = log.at(-1)) {
    const part = Math.min(left, last.cost);
    last.cost -= part;
    left -= part;
    if (last.cost === 0) log.pop();
  }
}
