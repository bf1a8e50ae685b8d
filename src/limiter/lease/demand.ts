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
  /** The smallest cost that was denied for want of tokens since home last answered, or waits; 0 if none. */
  lacking: number;
  /** The takes that wait for home's answer; undefined if none. */
  readonly waiting?: readonly { readonly costTokens: number }[] | undefined;
  borrowers: number;
  /** When home was last found short: it is not asked for more before. 0 where it has more than was lent. */
  emptyUntilUs: number;
  /** What home had when it last answered, after its grant. Whole tokens. */
  homeTokens: number;
  /** When home's level, as its refill has it, would have been 0. */
  homeZeroAtUs: number;
}

export function makeDemand(nowUs: number, windowUs: number): Demand {
  const window = Math.floor(nowUs / windowUs);
  const home = { borrowers: 1, emptyUntilUs: 0, homeTokens: 0, homeZeroAtUs: 0 };
  return { window, asked: 0, askedBefore: 0, lacking: 0, ...home };
}

/** A quarter of a lease: long enough to see a demand, short enough to give back in time what is not needed. */
export function demandWindowUs({ leaseUs }: Pick<LeaseTerms, 'leaseUs'>): number {
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
  if (!allowed && (demand.lacking === 0 || costTokens < demand.lacking)) demand.lacking = costTokens;
}

/** A reply, and what it left the holder with in whole tokens. */
export interface Answer {
  readonly reply: Reply;
  readonly leftHere: number;
  readonly policy: Policy;
  readonly nowUs: number;
  readonly windowUs: number;
}

/**
 * Takes from a reply how many share the bucket and, if home has not the smallest cost that is lacking beside what it
 * lent, when to ask again: once its refill gives it, and not so soon that calls are many beside takes; after a window at
 * the latest, since others may give back.
 */
export function noteReply(demand: Demand, { reply, leftHere, policy, nowUs, windowUs }: Answer): void {
  const { quantaPerToken, quantaPerUs } = policy;
  demand.borrowers = Math.max(1, reply.borrowers);
  demand.homeTokens = Math.floor(reply.levelQuanta / quantaPerToken);
  demand.homeZeroAtUs = nowUs - reply.levelQuanta / quantaPerUs;
  const missing = Math.max(1, demand.lacking - leftHere) * quantaPerToken - reply.levelQuanta;
  const expected = Math.max(1, demand.asked, demand.askedBefore);
  const seldomUs = Math.min(windowUs / 2, Math.max(windowUs / 8, (windowUs * ASKED_PER_CALL) / expected));
  const waitUs = Math.min(windowUs, Math.max(Math.ceil(missing / quantaPerUs), Math.floor(seldomUs)));
  demand.emptyUntilUs = missing <= 0 ? 0 : nowUs + waitUs;
  demand.lacking = 0;
}

/**
 * Whether home was found short of so many tokens so lately that it still is, or the request that is to show it is under
 * way: a take that lacks them is denied, and does not wait.
 */
export function isShort(
  { emptyUntilUs, homeTokens }: Demand,
  lackingTokens: number,
  nowUs: number,
  windowUs: number,
): boolean {
  return lackingTokens > homeTokens && emptyUntilUs > 0 && nowUs < emptyUntilUs + windowUs / 2;
}

/** How long until home has so many tokens by its refill alone, by what it last said. Below 0 where it has them. */
export function untilHomeHasUs(
  { homeZeroAtUs }: Demand,
  lackingTokens: number,
  { quantaPerToken, quantaPerUs }: Policy,
  nowUs: number,
): number {
  return homeZeroAtUs + (lackingTokens * quantaPerToken) / quantaPerUs - nowUs;
}

/**
 * What to ask home now, if anything. A holder keeps what a window needs, asks before half of that is gone, renews in
 * the second half of its term, gives back what is more than twice its goal, and all of it after a window without a
 * take. The goal grows with demand and never falls below a quarter of an equal share of the capacity, so that small
 * demands do not cost a call for every token.
 */
export function plan(holder: Holder, demand: Demand, terms: LeaseTerms, nowUs: number): Ask | undefined {
  turn(demand, nowUs, demandWindowUs(terms));
  if (holder.isAsking) return undefined;
  const isOver = nowUs >= holder.expiresAtUs;
  const left = isOver ? 0 : leftTokens(holder);
  const expected = Math.max(demand.asked, demand.askedBefore);
  const isUnused = expected === 0 && demand.waiting === undefined; // who waits has been asking all the time
  if (isUnused) return leftTokens(holder) > 0 ? { want: 0, giveBack: leftTokens(holder) } : undefined;

  const { capacityTokens } = terms.policy;
  const least = Math.ceil(capacityTokens / (4 * demand.borrowers));
  const largest = demand.waiting === undefined ? demand.lacking : largestOf(demand.waiting);
  const goal = Math.min(capacityTokens, Math.max(expected, least, largest));
  const isLow = 2 * left < goal || left < demand.lacking;
  const isEnding = left > 0 && holder.expiresAtUs - nowUs < terms.leaseUs / 2;
  if (isLow && (nowUs >= demand.emptyUntilUs || hasLacking(demand, left))) {
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

function largestOf(waiting: NonNullable<Demand['waiting']>): number {
  return Math.max(...waiting.map(({ costTokens }) => costTokens));
}

/** Whether home had, when it last answered, what a take has lacked since. */
function hasLacking({ lacking, homeTokens }: Demand, left: number): boolean {
  return lacking > 0 && lacking - left <= homeTokens;
}

/** Begins a new window where this one is over; one without a take lies between if two have passed. */
function turn(demand: Demand, nowUs: number, windowUs: number): void {
  const window = Math.floor(nowUs / windowUs);
  if (window === demand.window) return;
  const isNext = window === demand.window + 1;
  demand.askedBefore = isNext ? demand.asked : 0;
  if (!isNext && demand.waiting === undefined) demand.lacking = 0; // whoever was denied has gone
  demand.asked = 0;
  demand.window = window;
}
