import { type Demand, demandWindowUs, expectedOf, isIdle } from './demand.ts';
import { type Holder, leftTokens, type RequestContent } from './holder.ts';
import type { LeaseTerms } from './protocol.ts';

const BATCH_US = 250_000;

/** How long a request that no take waits for may wait for others, with which it shares a WAIT. Microseconds. */
export function batchUs(windowUs: number): number {
  return Math.min(BATCH_US, Math.floor(windowUs / 4));
}

/** A holder alone borrows for about the time until it renews its lease; one among several for one window. */
const WINDOWS_ALONE = 3;
/** The share of the capacity that a holder alone leaves at home, for the first takes of another. */
const LEFT_AT_HOME = 1 / 4;

/**
 * The next request to home, if any. A holder asks for more when what is left covers less than the demand until the
 * answer is expected, and twice its standard deviation unless others lack tokens too. It then borrows for some windows:
 * at least a quarter of an equal share of the capacity, so that a small demand does not cost a call for every token, and
 * at most that share. It renews a lease shortly before its end, then also returns tokens above twice its goal, and
 * returns all of them when the bucket is idle. Unless `borrowsAhead`, the first take in a row borrows no more than it costs.
 */
export function plan(
  holder: Holder,
  demand: Demand,
  terms: LeaseTerms,
  nowUs: number,
  borrowsAhead = true,
): RequestContent | undefined {
  if (holder.isUnanswered) return undefined;
  const windowUs = demandWindowUs(terms);
  const isOver = nowUs >= holder.expiresAtUs;
  const left = isOver ? 0 : leftTokens(holder);
  if (demand.waiting === undefined && isIdle(demand, nowUs, windowUs))
    // waiting takes are demand
    return leftTokens(holder) > 0 ? { want: 0, giveBack: leftTokens(holder) } : undefined;

  const expected = expectedOf(demand, nowUs, windowUs);
  const beforeAnswer = (expected * (demand.answerUs + batchUs(windowUs))) / windowUs;
  const isContested = demand.borrowers > 1 && demand.emptyUntilUs > 0;
  const reserve = isContested ? beforeAnswer : beforeAnswer + 2 * Math.sqrt(beforeAnswer);
  const goal = goalOf(demand, terms.policy.capacityTokens, { expected, reserve, borrowsAhead });
  const isLow = (left <= reserve && 4 * left < 3 * goal) || left < demand.lacking;
  if (isLow && (nowUs >= demand.emptyUntilUs || hasLacking(demand, left)))
    return { want: goal - left, need: Math.max(0, Math.min(demand.lacking, goal) - left) };
  const isEnding = left > 0 && holder.expiresAtUs - nowUs < 0.75 * windowUs + 2 * demand.answerUs;
  if (!isEnding) return undefined;
  return { want: Math.max(0, goal - left), giveBack: left > 2 * goal ? left - goal : 0 };
}

/** The tokens that a holder should have after a grant. */
function goalOf(
  { borrowers, waiting, lacking, takesInRow, usualParts }: Demand,
  capacityTokens: number,
  {
    expected,
    reserve,
    borrowsAhead,
  }: { readonly expected: number; readonly reserve: number; readonly borrowsAhead: boolean },
): number {
  const largest = waiting === undefined ? lacking : Math.max(...waiting.map(({ costTokens }) => costTokens));
  if (takesInRow === 1 && !borrowsAhead) return Math.min(capacityTokens, largest);
  const isAlone = borrowers === 1;
  const share = isAlone ? capacityTokens * (1 - LEFT_AT_HOME) : capacityTokens / borrowers;
  const windows = isAlone && usualParts > 0 ? WINDOWS_ALONE : 1;
  const ahead = Math.min(share, Math.max(reserve + windows * expected, capacityTokens / (4 * borrowers)));
  return Math.min(capacityTokens, Math.max(1, Math.ceil(Math.max(ahead, largest))));
}

/** Whether home's level at its last reply covers the cost that a take has lacked since. */
function hasLacking({ lacking, homeTokens }: Demand, left: number): boolean {
  return lacking > 0 && lacking - left <= homeTokens;
}
