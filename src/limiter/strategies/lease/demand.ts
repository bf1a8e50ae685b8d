import type { Policy } from '../../../core/policy.ts';
import { type Holder, leftTokens, type RequestContent } from './holder.ts';
import type { LeaseTerms, Reply } from './protocol.ts';

/** The demand for one bucket at one holder: tokens by window, and home's last reply. Changed in place. */
export interface Demand {
  /** The number of the window that `requested` counts in. */
  window: number;
  /** Tokens requested in this window, admitted or not, and in the one before. */
  requested: number;
  requestedBefore: number;
  /** Takes since the last two windows without one. */
  takesInRow: number;
  /** The smallest cost that was denied since home's last reply, or that waits; 0 if none. */
  lacking: number;
  /** The takes that wait for home's reply; undefined if none. */
  readonly waiting?: readonly { readonly costTokens: number }[] | undefined;
  borrowers: number;
  /** The time before which home is not asked again, since it was short; 0 if it had more than it lent. */
  emptyUntilUs: number;
  /** Home's level at its last reply, after the grant. Whole tokens. */
  homeTokens: number;
  /** The time at which home's level, extrapolated by its refill, was 0. */
  homeZeroAtUs: number;
}

/** A quarter of a lease: long enough to measure a demand, short enough to return unneeded tokens in time. */
export function demandWindowUs({ leaseUs }: Pick<LeaseTerms, 'leaseUs'>): number {
  return Math.max(1, Math.floor(leaseUs / 4));
}

/** A home that was short is asked again after about this many requested tokens. */
const REQUESTED_PER_CALL = 20;

/** Counts one take. */
export function noteTake(
  demand: Demand,
  costTokens: number,
  allowed: boolean,
  nowUs: number,
  windowUs: number,
): void {
  turn(demand, nowUs, windowUs);
  if (demand.requested === 0 && demand.requestedBefore === 0) demand.takesInRow = 0;
  demand.takesInRow++;
  demand.requested += costTokens;
  if (!allowed && (demand.lacking === 0 || costTokens < demand.lacking)) demand.lacking = costTokens;
}

/** A reply, and the whole tokens that the holder has after it. */
export interface Answer {
  readonly reply: Reply;
  readonly leftHere: number;
  readonly policy: Policy;
  readonly nowUs: number;
  readonly windowUs: number;
}

/**
 * Reads from a reply how many processes share the bucket. If home is short of the smallest lacking cost, it also sets
 * when to ask again: once the refill covers it, but not so often that calls outnumber takes; after a window at the
 * latest, since others may return tokens.
 */
export function noteReply(demand: Demand, { reply, leftHere, policy, nowUs, windowUs }: Answer): void {
  const { quantaPerToken, quantaPerUs } = policy;
  demand.borrowers = Math.max(1, reply.borrowers);
  demand.homeTokens = Math.floor(reply.levelQuanta / quantaPerToken);
  demand.homeZeroAtUs = nowUs - reply.levelQuanta / quantaPerUs;
  const missing = Math.max(1, demand.lacking - leftHere) * quantaPerToken - reply.levelQuanta;
  const expected = Math.max(1, demand.requested, demand.requestedBefore);
  const seldomUs = Math.min(windowUs / 2, Math.max(windowUs / 8, (windowUs * REQUESTED_PER_CALL) / expected));
  const waitUs = Math.min(windowUs, Math.max(Math.ceil(missing / quantaPerUs), Math.floor(seldomUs)));
  demand.emptyUntilUs = missing <= 0 ? 0 : nowUs + waitUs;
  demand.lacking = 0;
}

/**
 * Whether home was recently short of this many tokens: it still is, or a request in flight will show it. A take that
 * lacks them is denied without waiting.
 */
export function isShort(
  { emptyUntilUs, homeTokens }: Demand,
  lackingTokens: number,
  nowUs: number,
  windowUs: number,
): boolean {
  return lackingTokens > homeTokens && emptyUntilUs > 0 && nowUs < emptyUntilUs + windowUs / 2;
}

/** Time until home has this many tokens by refill alone, by its last reply. Below 0 if it has them. */
export function untilHomeHasUs(
  { homeZeroAtUs }: Demand,
  lackingTokens: number,
  { quantaPerToken, quantaPerUs }: Policy,
  nowUs: number,
): number {
  return homeZeroAtUs + (lackingTokens * quantaPerToken) / quantaPerUs - nowUs;
}

/**
 * The next request to home, if any. A holder keeps the demand of a window as its goal, asks for more when less than
 * half of it is left, and renews in the second half of its lease. It returns tokens above twice its goal, and all of
 * them after a window without a take. The goal is at least a quarter of an equal share of the capacity, so that a
 * small demand does not cost a call for every token. Unless `borrowsAhead`, the first take in a row borrows no more than
 * it costs.
 */
export function plan(
  holder: Holder,
  demand: Demand,
  terms: LeaseTerms,
  nowUs: number,
  borrowsAhead = true,
): RequestContent | undefined {
  turn(demand, nowUs, demandWindowUs(terms));
  if (holder.isUnanswered) return undefined;
  const isOver = nowUs >= holder.expiresAtUs;
  const left = isOver ? 0 : leftTokens(holder);
  const expected = Math.max(demand.requested, demand.requestedBefore);
  const isUnused = expected === 0 && demand.waiting === undefined; // waiting takes are demand
  if (isUnused) return leftTokens(holder) > 0 ? { want: 0, giveBack: leftTokens(holder) } : undefined;

  const { capacityTokens } = terms.policy;
  const least = Math.ceil(capacityTokens / (4 * demand.borrowers));
  const largest = demand.waiting === undefined ? demand.lacking : largestOf(demand.waiting);
  const isAlone = demand.takesInRow === 1 && !borrowsAhead;
  const wanted = isAlone ? largest : Math.max(expected, least, largest);
  const goal = Math.min(capacityTokens, wanted);
  const isLow = 2 * left < goal || left < demand.lacking;
  const isEnding = left > 0 && holder.expiresAtUs - nowUs < terms.leaseUs / 2;
  if (isLow && (nowUs >= demand.emptyUntilUs || hasLacking(demand, left))) {
    return { want: goal - left, need: Math.max(0, Math.min(demand.lacking, goal) - left) };
  }
  if (!isEnding) return undefined;
  return { want: Math.max(0, goal - left), giveBack: left > 2 * goal ? left - goal : 0 };
}

/** Whether neither this window nor the one before had a take. */
export function isIdle(demand: Demand, nowUs: number, windowUs: number): boolean {
  turn(demand, nowUs, windowUs);
  return demand.requested === 0 && demand.requestedBefore === 0;
}

function largestOf(waiting: NonNullable<Demand['waiting']>): number {
  return Math.max(...waiting.map(({ costTokens }) => costTokens));
}

/** Whether home's level at its last reply covers the cost that a take has lacked since. */
function hasLacking({ lacking, homeTokens }: Demand, left: number): boolean {
  return lacking > 0 && lacking - left <= homeTokens;
}

/** Starts a new window if this one is over; if more have passed, the one before had no take. */
function turn(demand: Demand, nowUs: number, windowUs: number): void {
  const window = Math.floor(nowUs / windowUs);
  if (window === demand.window) return;
  const isNext = window === demand.window + 1;
  demand.requestedBefore = isNext ? demand.requested : 0;
  if (!isNext && demand.waiting === undefined) demand.lacking = 0; // those takes are over
  demand.requested = 0;
  demand.window = window;
}
