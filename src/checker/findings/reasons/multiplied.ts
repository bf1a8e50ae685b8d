import type { Policy } from '../../../core/policy.ts';
import { KIND } from '../../../history/columns/table.ts';
import type { BucketRows } from '../../rows/bucket-rows.ts';
import { isSteady } from './steady.ts';
import type { Change, Explanation, Trial } from './trial.ts';
import { boundary } from './wrong-policy.ts';

/** The most instances that are told apart. */
const MOST_INSTANCES = 32;
/** How far below a whole number the multiple may be: not every instance is drained at the same moment. */
const NEARLY = 0.15;
/** The same of the capacity alone: requests are spread by chance, so that one instance is drained before another. */
const NEARLY_CAPACITY = 0.6;
const LEAST_DROPS = 5;

/**
 * Each of several instances keeps the whole limit. The least multiple of the limit that explains the admissions is a whole
 * number, or nearly; so is that of its capacity alone, and that of its refill alone. And while many requests are denied,
 * all instances are drained, so that the admissions come at their refill.
 */
export function multiplied(trial: Trial): Explanation | undefined {
  if (trial.drops === 0) return undefined;
  const leastOf = (change: (factor: number) => Change) =>
    trial.admitsBeyond(change(MOST_INSTANCES))
      ? Number.POSITIVE_INFINITY
      : boundary((factor) => !trial.admitsBeyond(change(factor)), 1, MOST_INSTANCES);
  const least = leastOf((factor) => ({ times: factor, refill: factor }));
  const count = Math.ceil(least - 0.01);
  const isWhole = (factor: number, below = NEARLY) => factor > count - below && factor <= count + 0.01;
  if (count < 2 || !isWhole(least)) return undefined;
  if (
    !isWhole(
      leastOf((factor) => ({ times: factor, refill: count })),
      NEARLY_CAPACITY,
    )
  )
    return undefined;
  if (!isWhole(leastOf((factor) => ({ times: count, refill: factor })))) return undefined;
  if (!isSteady(trial, (rows, policy) => stretchesOf(rows, policy, count))) return undefined;
  return {
    isStrong: trial.drops >= LEAST_DROPS && count > regionsOf(trial),
    sentence:
      `the limit is kept ${count} times over: ${count} independent buckets of the policy explain all admissions, and ` +
      `${count === 2 ? 'one does' : `${count - 1} do`} not`,
  };
}

/** A stretch of one bucket in which refill of all instances is worth this many tokens. */
const STRETCH_TOKENS = 20;

/** Stretches of equal length, without those before the first denial and without a rest in them. */
function* stretchesOf(rows: BucketRows, { quantaPerToken, quantaPerUs }: Policy, count: number) {
  rows.loadByLast();
  const { table, byLast, lastCount } = rows;
  const lengthUs = (STRETCH_TOKENS * quantaPerToken) / quantaPerUs / count;
  let stretch: { fromUs: number; admitted: number; denied: number } | undefined;
  for (let at = 0; at < lastCount; at++) {
    const row = byLast[at] as number;
    const lastUs = table.lastUs(row);
    const outcome = (table.kinds[row] as number) & KIND.outcome;
    const cost = table.costTokens[row] as number;
    if (stretch !== undefined && lastUs >= stretch.fromUs + lengthUs) {
      const isWhole = lastUs < stretch.fromUs + 1.2 * lengthUs;
      if (isWhole) yield { ...stretch, expected: STRETCH_TOKENS };
      stretch = undefined;
    }
    if (outcome === KIND.denied) {
      stretch ??= { fromUs: lastUs, admitted: 0, denied: 0 };
      stretch.denied += cost;
    } else if (stretch !== undefined) stretch.admitted += cost;
  }
}

function regionsOf({ table, buckets }: Trial): number {
  const regions = new Set<string>();
  for (const bucket of buckets)
    for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++)
      regions.add(table.regionOf(row));
  return regions.size;
}
