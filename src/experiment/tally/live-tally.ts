import { bucketName } from '../../history/columns/table.ts';
import { type Operation, OUTCOMES, type Outcome } from '../../history/records/operation.ts';
import type { LoadProgress } from '../progress.ts';
import type { ExcessTally } from './excess-tally.ts';

type Counts = Record<Outcome, number>;

/** What is counted of the buckets of one policy. */
interface OfPolicy {
  /** Empty for the only one. */
  readonly name: string;
  readonly limitTokens: number;
  /** Absent if the limiter promises no token bucket. */
  readonly excess?: ExcessTally;
}

/** Counts operations for the progress of a run; the checker does not use it. */
export class LiveTally {
  readonly #busiest: ReadonlyMap<string, { admitted: number; denied: boolean }>;
  readonly #byRegion: Map<string, Counts>;
  readonly #policies: ReadonlyMap<string, OfPolicy>;
  #atLimit = 0;
  readonly #nowMs: () => number;
  #since: number;

  /** `busiest` are names of buckets as in output. Without an `excess`, `look` reports none. */
  constructor(
    regions: readonly string[],
    busiest: readonly string[],
    policies: readonly OfPolicy[],
    nowMs = () => performance.now(),
  ) {
    this.#nowMs = nowMs;
    this.#since = nowMs();
    this.#policies = new Map(policies.map((policy) => [policy.name, policy]));
    this.#byRegion = new Map(regions.map((region) => [region, none()]));
    this.#busiest = new Map(busiest.map((bucket) => [bucket, { admitted: 0, denied: false }]));
  }

  add(operation: Operation): void {
    const counts = this.#byRegion.get(operation.region);
    if (counts !== undefined) counts[operation.outcome]++;
    if (operation.charges === undefined) {
      this.#addCharge(operation, '');
      return;
    }
    const { charges, ...rest } = operation;
    for (const { bucket, cost, policy = '' } of charges)
      this.#addCharge({ ...rest, bucket: bucketName(bucket, policy), cost }, policy);
  }

  #addCharge(operation: Operation, policy: string): void {
    const of = this.#policies.get(policy);
    const { outcome, bucket, cost } = operation;
    of?.excess?.add(operation);
    const seen = this.#busiest.get(bucket);
    if (seen === undefined || of === undefined) return;
    const was = isAtLimit(seen, of);
    if (outcome === 'allowed') seen.admitted += cost;
    else if (outcome === 'denied') seen.denied = true;
    if (!was && isAtLimit(seen, of)) this.#atLimit++;
  }

  /** Rates since the last look. */
  look(): Pick<LoadProgress, 'rates' | 'atLimit' | 'ofBusiest' | 'excess'> {
    const nowMs = this.#nowMs();
    const seconds = Math.max(0.001, (nowMs - this.#since) / 1_000);
    this.#since = nowMs;
    const rates = [...this.#byRegion].map(([region, counts]) => {
      const perSecond = none();
      for (const outcome of OUTCOMES) {
        perSecond[outcome] = Math.round(counts[outcome] / seconds);
        counts[outcome] = 0;
      }
      return [region, perSecond] as const;
    });
    return {
      rates: Object.fromEntries(rates),
      atLimit: this.#atLimit,
      ofBusiest: this.#busiest.size,
      ...this.#worst(),
    };
  }

  #worst(): Pick<LoadProgress, 'excess'> {
    const found = [...this.#policies.values()].flatMap(({ excess }) => (excess ? [excess.worst] : []));
    if (found.length === 0) return {};
    return { excess: found.reduce((worst, next) => (next.tokens > worst.tokens ? next : worst)) };
  }
}

function isAtLimit(
  { admitted, denied }: { admitted: number; denied: boolean },
  { limitTokens }: OfPolicy,
): boolean {
  return denied && admitted >= limitTokens;
}

function none(): Counts {
  return { allowed: 0, denied: 0, failed: 0, info: 0 };
}
