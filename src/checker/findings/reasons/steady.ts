import type { Policy } from '../../../core/policy.ts';
import type { BucketRows } from '../../rows/bucket-rows.ts';
import type { Trial } from './trial.ts';

/** What was admitted and denied in a stretch of one bucket, in tokens, and what is expected if all instances are used up. */
export interface Stretch {
  readonly admitted: number;
  readonly denied: number;
  readonly expected: number;
}

/** With so large a share of denials, all instances are used up. */
const MANY_DENIED = 0.3;
const LEAST_STRETCHES = 5;
const STEADY = { share: 0.9, from: 0.75, to: 1.25 };

/** Whether nearly all stretches in which many requests were denied admitted about what is expected. */
export function isSteady(
  trial: Trial,
  stretchesOf: (rows: BucketRows, policy: Policy) => Iterable<Stretch>,
): boolean {
  let [stretches, steady] = [0, 0];
  trial.some((rows, policy) => {
    for (const { admitted, denied, expected } of stretchesOf(rows, policy)) {
      if (denied < MANY_DENIED * (admitted + denied)) continue;
      stretches++;
      if (admitted >= STEADY.from * expected && admitted <= STEADY.to * expected) steady++;
    }
    return false;
  });
  return stretches >= LEAST_STRETCHES && steady >= STEADY.share * stretches;
}
