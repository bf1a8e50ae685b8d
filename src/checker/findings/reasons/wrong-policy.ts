import { rounded } from '../../../core/units.ts';
import type { Explanation, Trial } from './trial.ts';

/** Fewer violations show no rule. */
const LEAST_DROPS = 3;
const LEAST_VIOLATIONS = 5;

/** A limit that is exceeded by one token at every burst: a bucket of one token more explains all, one of half a token more or less does not. */
export function oneTooMany(trial: Trial): Explanation | undefined {
  if (trial.drops === 0 || !trial.explains({ plus: 1 })) return undefined;
  return {
    isStrong:
      trial.drops >= LEAST_DROPS && trial.admitsBeyond({ plus: 0.5 }) && trial.deniesBelow({ plus: 1.5 }),
    sentence:
      'one token too many at every burst: a bucket of one token more explains each admission and each denial, and one of ' +
      'half a token more or less does not',
  };
}

/** The largest factor of another capacity, and how far below a whole number of tokens the least can be. */
const MOST_CAPACITY = 8;
const NEARLY_WHOLE = 0.5;

/**
 * The limiter is one of another capacity M: a bucket of M explains each admission and each denial. One of M - 1 does not
 * explain three admissions or more, if M is above the promised capacity, and one of M + 1 contradicts denials; the other
 * way round if M is below it.
 */
export function otherCapacity(trial: Trial): Explanation | undefined {
  const capacities = new Set(trial.buckets.map((bucket) => trial.table.policyOf(bucket).capacityTokens));
  const [capacity] = capacities;
  const isMore = trial.drops > 0;
  if (capacities.size !== 1 || capacity === undefined || isMore === trial.falseDenials > 0) return undefined;
  const found = isMore ? leastCapacity(trial, capacity) : mostCapacity(trial, capacity);
  if (found === undefined || Math.abs(found - capacity) < 2) return undefined;
  const plus = found - capacity;
  if (!trial.explains({ plus })) return undefined;
  const isStrong = isMore
    ? trial.countBeyond({ plus: plus - 1 }) >= LEAST_DROPS && trial.deniesBelow({ plus: plus + 1 })
    : trial.countBelow({ plus: plus + 1 }) >= LEAST_DROPS && trial.admitsBeyond({ plus: plus - 1 });
  return {
    isStrong,
    sentence:
      `the limiter is one of ${found} tokens, not ${capacity}: a bucket of ${found} explains each admission and each denial, ` +
      `one of ${found - 1} admits less, and one of ${found + 1} denies less`,
  };
}

function leastCapacity(trial: Trial, capacity: number): number | undefined {
  if (trial.admitsBeyond({ times: MOST_CAPACITY })) return undefined;
  const least = capacity * boundary((times) => !trial.admitsBeyond({ times }), 1, MOST_CAPACITY);
  return wholeAbove(least);
}

function mostCapacity(trial: Trial, capacity: number): number | undefined {
  if (trial.deniesBelow({ times: 1 / MOST_CAPACITY })) return undefined;
  const most = capacity / boundary((part) => !trial.deniesBelow({ times: 1 / part }), 1, MOST_CAPACITY);
  const whole = Math.floor(most + 0.01 * most);
  return most - whole < NEARLY_WHOLE ? whole : undefined;
}

/** The whole number that is little above the least capacity: of a burst, the least is less by what refill gave meanwhile. */
function wholeAbove(least: number): number | undefined {
  const whole = Math.ceil(least - 0.002 * least);
  return whole - least < NEARLY_WHOLE ? whole : undefined;
}

/** The refill of a wrong unit or of a doubled timer, up to this factor. */
const MOST_FACTOR = 16;
const LEAST_FACTOR = 1.04;
/** A factor is certain if one that is so much farther from 1 is refuted. */
const SHARP = 1.2;

/** The refill is too fast or too slow by a factor: a bucket with that refill explains all, with another it does not. */
export function refillFactor(trial: Trial): Explanation | undefined {
  const isFast = trial.drops > 0;
  if (isFast === trial.falseDenials > 0) return undefined;
  const factor = isFast ? leastRefill(trial) : mostRefill(trial);
  if (factor === undefined) return undefined;
  const isOther = isFast ? factor > LEAST_FACTOR : factor * LEAST_FACTOR < 1;
  const farther = isFast ? 1 + SHARP * (factor - 1) : 1 / (1 + SHARP * (1 / factor - 1));
  const isSharp = isFast ? trial.deniesBelow({ refill: farther }) : trial.admitsBeyond({ refill: farther });
  return {
    isStrong: trial.drops + trial.falseDenials >= LEAST_VIOLATIONS && isOther && isSharp,
    sentence:
      `the refill is ${rounded(factor, 2)} times as fast as promised: a bucket with that refill explains each admission and ` +
      'each denial, and one of the promised refill does not',
  };
}

/** The least factor that explains the admissions, if it explains the denials as well. */
function leastRefill(trial: Trial): number | undefined {
  if (trial.admitsBeyond({ refill: MOST_FACTOR })) return undefined;
  const least = boundary((refill) => !trial.admitsBeyond({ refill }), 1, MOST_FACTOR);
  return trial.deniesBelow({ refill: least }) ? undefined : least;
}

/** The largest factor that explains the denials, if it explains the admissions as well. */
function mostRefill(trial: Trial): number | undefined {
  if (trial.deniesBelow({ refill: 1 / MOST_FACTOR })) return undefined;
  const most = 1 / boundary((slower) => !trial.deniesBelow({ refill: 1 / slower }), 1, MOST_FACTOR);
  return trial.admitsBeyond({ refill: most }) ? undefined : most;
}

/** The least factor that holds, to a thousandth; all larger factors hold. */
export function boundary(holds: (factor: number) => boolean, low: number, high: number): number {
  let [below, above] = [low, high];
  while (above / below > 1.001) {
    const middle = Math.sqrt(below * above);
    if (holds(middle)) above = middle;
    else below = middle;
  }
  return above;
}
