import type { Policy } from '../../core/policy.ts';
import { type Ask, type Holder, leftTokens } from './holder.ts';
import type { LeaseTerms, Reply } from './protocol.ts';

/** What is asked of one bucket at one holder: tokens by window, and what home last said. Changed in place. */
export interface Demand {
  windowStartUs: number;
  /** Tokens asked for in this window, admitted or not, and in the one before. */
  asked: number;
  askedBefore: number;
  /** The largest cost that was denied for want of tokens since home last answered; 0 if none. */
  need: number;
  borrowers: number;
  /** Home has nothing to lend before. */
  emptyUntilUs: number;
}

export function makeDemand(nowUs: number): Demand {
  return { windowStartUs: nowUs, asked: 0, askedBefore: 0, need: 0, borrowers: 1, emptyUntilUs: 0 };
}

/** A quarter of a lease: long enough to see a demand, short enough to give back in time what is not needed. */
export function windowOf({ leaseUs }: LeaseTerms): number {
  return Math.max(1, Math.floor(leaseUs / 4));
}

/** Counts one take. */
export function noteTake(
  demand: Demand,
  { costTokens, allowed, nowUs }: { costTokens: number; allowed: boolean; nowUs: number },
  windowUs: number,
): void {
  turn(demand, nowUs, windowUs);
  demand.asked += costTokens;
  if (!allowed && costTokens > demand.need) demand.need = costTokens;
}

/** Takes from a reply how many share the bucket and, if it brought too little, when home has more. */
export function noteReply(
  demand: Demand,
  holder: Holder,
  { reply, policy, nowUs, windowUs }: { reply: Reply; policy: Policy; nowUs: number; windowUs: number },
): void {
  demand.borrowers = Math.max(1, reply.borrowers);
  const missing = Math.max(1, demand.need) * policy.quantaPerToken - reply.levelQuanta;
  const isEnough = leftTokens(holder) >= Math.max(1, demand.need);
  const waitUs = Math.max(Math.ceil(missing / policy.quantaPerUs), Math.floor(windowUs / 4));
  demand.emptyUntilUs = isEnough ? 0 : nowUs + waitUs;
  demand.need = 0;
}

/**
 * What to ask home now, if anything. A holder keeps what a window needs, asks before half of that is gone, renews in
 * the second half of its term, gives back what is more than twice its goal, and all of it after a window without a
 * take. The goal grows with demand and never falls below a quarter of an equal share of the capacity, so that small
 * demands do not cost a call for every token.
 */
export function plan(
  holder: Holder,
  demand: Demand,
  { terms, nowUs }: { terms: LeaseTerms; nowUs: number },
): Ask | undefined {
  const windowUs = windowOf(terms);
  turn(demand, nowUs, windowUs);
  if (holder.isAsking) return undefined;
  const isOver = nowUs >= holder.expiresAtUs;
  const left = isOver ? 0 : leftTokens(holder);
  const expected = Math.max(demand.asked, demand.askedBefore);
  if (expected === 0) return leftTokens(holder) > 0 ? { want: 0, giveBack: leftTokens(holder) } : undefined;

  const { capacityTokens } = terms.policy;
  const least = Math.ceil(capacityTokens / (4 * demand.borrowers));
  const goal = Math.min(capacityTokens, Math.max(expected, least, demand.need));
  const isLow = 2 * left < goal || left < demand.need;
  const isEnding = left > 0 && holder.expiresAtUs - nowUs < terms.leaseUs / 2;
  if (isLow && nowUs >= demand.emptyUntilUs) {
    return { want: goal - left, need: Math.max(0, Math.min(demand.need, goal) - left) };
  }
  if (!isEnding) return undefined;
  return { want: Math.max(0, goal - left), giveBack: left > 2 * goal ? left - goal : 0 };
}

/** Begins a new window where this one is over; one without a take lies between if two have passed. */
function turn(demand: Demand, nowUs: number, windowUs: number): void {
  const passedUs = nowUs - demand.windowStartUs;
  if (passedUs < windowUs) return;
  demand.askedBefore = passedUs < 2 * windowUs ? demand.asked : 0;
  demand.asked = 0;
  demand.windowStartUs = nowUs;
}
