import { KIND } from '../../../history/columns/table.ts';
import { lengthText } from '../../evidence/interval-width.ts';
import { checkBucket } from '../../judge-bucket.ts';
import { BucketRows } from '../../rows/bucket-rows.ts';
import type { Trial } from './trial.ts';

const SECOND_US = 1_000_000;
/** What keys with a date or a time in them change at, the longest first. */
const PERIODS_US = [86_400, 43_200, 21_600, 3_600, 1_800, 900, 600, 300, 60, 30, 20, 15, 10].map(
  (seconds) => seconds * SECOND_US,
);
/** The largest probability that excesses which depend on no period lie at its ends by chance. */
const MOST_CHANCE = 1e-4;

/**
 * Every bucket begins again, full or unused, at the multiples of a period P since 1970: parted at these moments, each
 * part of each bucket has right admissions and denials; parted in the middle between them, some do not. An excess shows
 * in a span of at most the time L to full, or of a window, so by chance n of them all contain such a moment with a
 * probability of at most (L / P)^n.
 */
export function epochResets(trial: Trial, offsetUs: number | undefined): string | undefined {
  if (offsetUs === undefined || trial.excesses === 0) return undefined;
  if (trial.context.windows?.areDenialsJudged === false) return undefined; // resets acquit of any excess near them
  const lengthUs = longestUs(trial);
  const periodUs = PERIODS_US.find((us) => {
    if (us <= lengthUs) return false;
    const resets = new Resets(trial, us, offsetUs);
    return resets.explain() && !new Resets(trial, us, offsetUs + us / 2).explain();
  });
  if (periodUs === undefined) return undefined;
  const excesses = new Resets(trial, periodUs, offsetUs).countExceeded();
  if (excesses === 0 || (lengthUs / periodUs) ** excesses > MOST_CHANCE) return undefined;
  const when = periodUs === PERIODS_US[0] ? 'at midnight UTC' : `at the multiples of ${lengthText(periodUs)}`;
  return (
    `buckets begin again ${when}: parted there, each admission and each denial is right, and ${excesses} times the ` +
    'admissions before and after are too many together'
  );
}

function longestUs({ table, context, buckets }: Trial): number {
  if (context.windows !== undefined) return context.windows.promise.windowUs;
  return buckets.reduce((most, bucket) => {
    const { capacityQuanta, quantaPerUs } = table.policyOf(bucket);
    return Math.max(most, capacityQuanta / quantaPerUs);
  }, 0);
}

/** The operations of a bucket between two resets: those inside, and in addition those that may be. */
interface Part {
  readonly inside: readonly number[];
  readonly perhaps: readonly number[];
}

/** The buckets of a trial, parted at the multiples of a period of the limiter's clock. */
class Resets {
  readonly #trial: Trial;
  readonly #partOf: (us: number) => number;

  constructor(trial: Trial, periodUs: number, offsetUs: number) {
    this.#trial = trial;
    this.#partOf = (us) => Math.floor((us + offsetUs) / periodUs);
  }

  explain(): boolean {
    return !this.#trial.some((rows) => this.#partsOf(rows).some((part) => this.#isWrong(part, rows.bucket)));
  }

  /** How many neighbouring parts are too many together. */
  countExceeded(): number {
    let exceeded = 0;
    this.#trial.some((rows) => {
      const parts = this.#partsOf(rows);
      for (const [at, { inside }] of parts.slice(1).entries())
        if (this.#judge([...(parts[at]?.inside ?? []), ...inside], rows.bucket).excesses > 0) exceeded++;
      return false;
    });
    return exceeded;
  }

  /** An admission at the moment of a reset may be of the part after it, and a denial then shows nothing. */
  #partsOf({ table, byInvoked, count }: BucketRows): Part[] {
    const parts = new Map<number, { inside: number[]; perhaps: number[] }>();
    for (const row of byInvoked.subarray(0, count)) {
      const number = this.#partOf(table.lastUs(row));
      const isInside = number === this.#partOf(table.invokedUs[row] as number);
      if (!isInside && ((table.kinds[row] as number) & KIND.outcome) === KIND.denied) continue;
      const part = parts.get(number) ?? { inside: [], perhaps: [] };
      parts.set(number, part);
      if (isInside) part.inside.push(row);
      part.perhaps.push(row);
    }
    return [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
  }

  #isWrong({ inside, perhaps }: Part, bucket: number): boolean {
    return this.#judge(inside, bucket).excesses > 0 || this.#judge(perhaps, bucket).denials > 0;
  }

  #judge(part: readonly number[], bucket: number): { excesses: number; denials: number } {
    const { table, context } = this.#trial;
    const rows = BucketRows.of(table, part);
    rows.bucket = bucket;
    const { windows } = context;
    const full = {
      ...context,
      isReplayed: false,
      known: { ...context.known, initial: 'full' as const },
      ...(windows && {
        windows: { ...windows, clock: { ...windows.clock, knownFromUs: Number.NEGATIVE_INFINITY } },
      }),
    };
    const found = checkBucket(rows, { policy: table.policyOf(bucket), context: full, resets: [] });
    const excesses = windows === undefined ? found.over.drops.length : found.windows.length;
    return { excesses, denials: found.denials.length };
  }
}
