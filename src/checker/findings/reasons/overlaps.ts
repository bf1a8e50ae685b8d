import type { Policy } from '../../../core/policy.ts';
import { KIND } from '../../../history/columns/table.ts';
import { judgeDenials } from '../../proofs/false-denial.ts';
import { windowLevel } from '../../proofs/lowest-level.ts';
import type { BucketRows } from '../../rows/bucket-rows.ts';
import { HighestBucketLevel } from '../../stated/highest-level.ts';
import { highestRoom, SlidingRoom } from '../../stated/highest-room.ts';
import type { Trial } from './trial.ts';

const LEAST_EXCESSES = 3;
/** Requests that came when the limit was certainly used up, all of them denied. */
const LEAST_CONTROLS = 20;
/** Denials that a limit of one token more contradicts: so the limiter has the promised limit. */
const LEAST_AT_LIMIT = 3;

/**
 * Admissions beyond the limit come only while those that used it up were under way. With highest(a) the most that the
 * bucket or window can hold for a request, if only the admissions that had ended before it was sent have been charged,
 *   every admission has highest >= cost, although together they exceed the promise, and
 *   every request with highest < cost, at least twenty, was denied.
 * A larger limit, several counters, a wrong clock or a lost state admit after the limit was used up, too.
 */
export function raceByTimes(trial: Trial): string | undefined {
  const { windows } = trial.context;
  const excesses = trial.excesses;
  if (excesses < LEAST_EXCESSES || (windows !== undefined && trial.falseDenials > 0)) return undefined;
  let controls = 0;
  const isContradicted = trial.some((rows, policy) => {
    const denials = deniedWhenUsedUp(rows, trial);
    controls += denials ?? 0;
    return denials === undefined || (windows === undefined && !areRightInDebt(rows, policy));
  });
  if (isContradicted || controls < LEAST_CONTROLS) return undefined;
  const atLimit = windows === undefined ? trial.countBelow({ plus: 1 }) : denialsBelowOneMore(trial, windows);
  if (atLimit < LEAST_AT_LIMIT) return undefined;
  return (
    `read-then-write race: ${excesses} times, requests were admitted beyond the limit while those that used it up were still ` +
    `under way; of ${controls} requests that came after these had ended, none was admitted`
  );
}

/** How many denials came when the limit was certainly used up; undefined if an admission did. */
function deniedWhenUsedUp(rows: BucketRows, { context: { windows, clock } }: Trial): number | undefined {
  rows.loadByLast();
  const { table, byInvoked, byLast, count, lastCount } = rows;
  const policy = table.policyOf(rows.bucket);
  const [high, quantaPerToken] =
    windows === undefined
      ? ([new HighestBucketLevel(policy, clock), policy.quantaPerToken] as const)
      : ([highestRoom(rows, windows.promise, windows.clock), 1] as const);
  const begun = new Map<number, { readonly place: number; readonly level: number }>();
  let [invoked, denied] = [0, 0];
  for (let last = 0; last < lastCount; last++) {
    const row = byLast[last] as number;
    const untilUs = table.lastUs(row);
    for (
      ;
      invoked < count && (table.invokedUs[byInvoked[invoked] as number] as number) <= untilUs;
      invoked++
    ) {
      const next = byInvoked[invoked] as number;
      const us = table.invokedUs[next] as number;
      const place = outcomeOf(rows, next) === KIND.allowed ? high.begin(us) : 0;
      begun.set(next, { place, level: high.at(us) });
    }
    const { place, level } = begun.get(row) ?? { place: 0, level: 0 };
    begun.delete(row);
    const outcome = outcomeOf(rows, row);
    const quanta = (table.costTokens[row] as number) * quantaPerToken;
    const fromUs = table.invokedUs[row] as number;
    const highest =
      high instanceof SlidingRoom ? high.roomAt(untilUs, fromUs) : high.later(level, fromUs, untilUs);
    const isUsedUp = highest < quanta;
    if (outcome === KIND.denied && isUsedUp) denied++;
    if (outcome !== KIND.allowed) continue;
    if (isUsedUp) return undefined;
    high.finish(place, { row, lastUs: untilUs, quanta });
  }
  return denied;
}

/**
 * Charges that a race adds can put a bucket below zero, and it denies until it has made up for them. Whether each denial
 * is right by a bucket that may be below zero: charged as late as possible, it holds less than a token beyond the cost.
 */
function areRightInDebt({ table, byLast, lastCount }: BucketRows, policy: Policy): boolean {
  const { capacityQuanta, quantaPerToken, quantaPerUs } = policy;
  let [level, levelUs] = [capacityQuanta, Number.NEGATIVE_INFINITY];
  for (const row of byLast.subarray(0, lastCount)) {
    const us = table.lastUs(row);
    level = Math.min(capacityQuanta, level + (us - levelUs) * quantaPerUs);
    levelUs = us;
    const quanta = (table.costTokens[row] as number) * quantaPerToken;
    const isDenied = ((table.kinds[row] as number) & KIND.outcome) === KIND.denied;
    const lengthUs = us - (table.invokedUs[row] as number);
    if (isDenied && level - lengthUs * quantaPerUs >= quanta + quantaPerToken) return false;
    if (!isDenied) level -= quanta;
  }
  return true;
}

function outcomeOf({ table }: BucketRows, row: number): number {
  return (table.kinds[row] as number) & KIND.outcome;
}

function denialsBelowOneMore(trial: Trial, windows: NonNullable<Trial['context']['windows']>): number {
  if (!windows.areDenialsJudged) return 0;
  const { known } = trial.context;
  const promise = { ...windows.promise, limit: windows.promise.limit + 1 };
  const levelOf = () => windowLevel({ promise, clock: windows.clock }, known);
  return trial.sum(
    (rows) => judgeDenials(rows, known, { levelOf, mostQuanta: promise.limit }).denials.length,
  );
}
