import { type Operation, OUTCOMES, type Outcome } from '../../history/records/operation.ts';
import type { LoadProgress } from '../progress.ts';
import type { ExcessTally } from './excess-tally.ts';

type Counts = Record<Outcome, number>;

/** Counts operations for the progress of a run; the checker does not use it. */
export class LiveTally {
  readonly #busiest: ReadonlyMap<string, { admitted: number; denied: boolean }>;
  readonly #limitTokens: number;
  readonly #byRegion: Map<string, Counts>;
  readonly #excess: ExcessTally | undefined;
  #atLimit = 0;
  #since = performance.now();

  /** Without `excess`, `look` reports none. */
  constructor(
    regions: readonly string[],
    busiest: readonly string[],
    limitTokens: number,
    excess?: ExcessTally,
  ) {
    this.#excess = excess;
    this.#byRegion = new Map(regions.map((region) => [region, none()]));
    this.#busiest = new Map(busiest.map((bucket) => [bucket, { admitted: 0, denied: false }]));
    this.#limitTokens = limitTokens;
  }

  add(operation: Operation): void {
    this.#excess?.add(operation);
    const { region, outcome, bucket, cost } = operation;
    const counts = this.#byRegion.get(region);
    if (counts !== undefined) counts[outcome]++;
    const seen = this.#busiest.get(bucket);
    if (seen === undefined) return;
    const was = this.#isAtLimit(seen);
    if (outcome === 'allowed') seen.admitted += cost;
    else if (outcome === 'denied') seen.denied = true;
    if (!was && this.#isAtLimit(seen)) this.#atLimit++;
  }

  /** Rates since the last look. */
  look(): Pick<LoadProgress, 'rates' | 'atLimit' | 'ofBusiest' | 'excess'> {
    const seconds = Math.max(0.001, (performance.now() - this.#since) / 1_000);
    this.#since = performance.now();
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
      ...(this.#excess && { excess: this.#excess.worst }),
    };
  }

  #isAtLimit({ admitted, denied }: { admitted: number; denied: boolean }): boolean {
    return denied && admitted >= this.#limitTokens;
  }
}

function none(): Counts {
  return { allowed: 0, denied: 0, failed: 0, info: 0 };
}
