import type { Policy } from '../../core/policy.ts';
import { type Ask, type Holder, leftTokens } from './holder.ts';
import type { LeaseTerms, Reply } from './protocol.ts';

/** What is asked of one bucket at one holder: tokens by window, and what home last said. Changed in place. */
export interface Demand {
  /** The number of the window that `asked` counts in. */
  window: number;
  /** Tokens asked for in this window, admitted or not, and in the one before. */
  asked: number;
  askedBefore: number;
  /** The largest cost that was denied for want of tokens since home last answered; 0 if none. */
  lacking: number;
  borrowers: number;
  /** When home was last found short: it is not asked for more before. 0 where it has more than was lent. */
  emptyUntilUs: number;
}

export function makeDemand(nowUs: number, windowUs: number): Demand {
  const window = Math.floor(nowUs / windowUs);
  return { window, asked: 0, askedBefore: 0, lacking: 0, borrowers: 1, emptyUntilUs: 0 };
}

/** A quarter of a lease: long enough to see a demand, short enough to give back in time what is not needed. */
export function windowOf({ leaseUs }: Pick<LeaseTerms, 'leaseUs'>): number {
  return Math.max(1, Math.floor(leaseUs / 4));
}

/** A home that was found short is asked again once about so many tokens have been asked for in vain. */
const ASKED_PER_CALL = 20;

/** Counts one take. */
export function noteTake(
  demand: Demand,
  costTokens: number,
  allowed: boolean,
  nowUs: number,
  windowUs: number,
): void {
  turn(demand, nowUs, windowUs);
  demand.asked += costTokens;
  if (!allowed && costTokens > demand.lacking) demand.lacking = costTokens;
}

/**
 * Takes from a reply how many share the bucket and, if home has not what is lacking beside what it lent, when to ask
 * again: once it has, and not so soon that calls are many beside takes.
 */
export function noteReply(
  demand: Demand,
  { reply, policy, nowUs, windowUs }: { reply: Reply; policy: Policy; nowUs: number; windowUs: number },
): void {
  demand.borrowers = Math.max(1, reply.borrowers);
  const missing = Math.max(1, demand.lacking) * policy.quantaPerToken - reply.levelQuanta;
  const expected = Math.max(1, demand.asked, demand.askedBefore);
  const seldomUs = Math.min(windowUs / 2, Math.max(windowUs / 8, (windowUs * ASKED_PER_CALL) / expected));
  const waitUs = Math.max(Math.ceil(missing / policy.quantaPerUs), Math.floor(seldomUs));
  demand.emptyUntilUs = missing <= 0 ? 0 : nowUs + waitUs;
  demand.lacking = 0;
}

/**
 * Whether home was found short so lately that it still is, or the request that is to show it is under way: a take that
 * finds nothing is denied, and does not wait.
 */
export function isShort({ emptyUntilUs }: Demand, nowUs: number, windowUs: number): boolean {
  return emptyUntilUs > 0 && nowUs < emptyUntilUs + windowUs / 2;
}

/**
 * What to ask home now, if anything. A holder keeps what a window needs, asks before half of that is gone, renews in
 * the second half of its term, gives back what is more than twice its goal, and all of it after a window without a
 * take. The goal grows with demand and never falls below a quarter of an equal share of the capacity, so that small
 * demands do not cost a call for every token.
 */
export function plan(holder: Holder, demand: Demand, terms: LeaseTerms, nowUs: number): Ask | undefined {
  turn(demand, nowUs, windowOf(terms));
  if (holder.isAsking) return undefined;
  const isOver = nowUs >= holder.expiresAtUs;
  const left = isOver ? 0 : leftTokens(holder);
  const expected = Math.max(demand.asked, demand.askedBefore);
  const isUnused = expected === 0 && demand.lacking === 0; // who waits for a slow answer has been asking all the time
  if (isUnused) return leftTokens(holder) > 0 ? { want: 0, giveBack: leftTokens(holder) } : undefined;

  const { capacityTokens } = terms.policy;
  const least = Math.ceil(capacityTokens / (4 * demand.borrowers));
  const goal = Math.min(capacityTokens, Math.max(expected, least, demand.lacking));
  const isLow = 2 * left < goal || left < demand.lacking;
  const isEnding = left > 0 && holder.expiresAtUs - nowUs < terms.leaseUs / 2;
  if (isLow && nowUs >= demand.emptyUntilUs) {
    return { want: goal - left, need: Math.max(0, Math.min(demand.lacking, goal) - left) };
  }
  if (!isEnding) return undefined;
  return { want: Math.max(0, goal - left), giveBack: left > 2 * goal ? left - goal : 0 };
}

/** Whether neither this window nor the one before has seen a take. */
export function isIdle(demand: Demand, nowUs: number, windowUs: number): boolean {
  turn(demand, nowUs, windowUs);
  return demand.asked === 0 && demand.askedBefore === 0;
}

/** Begins a new window where this one is over; one without a take lies between if two have passed. */
function turn(demand: Demand, nowUs: number, windowUs: number): void {
  const window = Math.floor(nowUs / windowUs);
  if (window === demand.window) return;
  demand.askedBefore = window === demand.window + 1 ? demand.asked : 0;
  demand.asked = 0;
  demand.window = window;
}
