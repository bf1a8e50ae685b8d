import type { Policy } from '../../../core/policy.ts';
import type { LeaseTerms, Reply } from './protocol.ts';

/** The demand for one bucket at one holder: tokens by window, and home's last reply. Changed in place. */
export interface Demand {
  /** The number of the window of the last take, which `requested` counts in. */
  window: number;
  /** Tokens requested in this window, admitted or not. */
  requested: number;
  /** The tokens of a window, averaged over those before, in parts of a token; 0 if they had no take. */
  usualParts: number;
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
  /** How long an answer took from request to acknowledged grant: the last one, or a slower one before. Microseconds. */
  answerUs: number;
}

/** A quarter of a lease: long enough to measure a demand, short enough to return unneeded tokens in time. */
export function demandWindowUs({ leaseUs }: Pick<LeaseTerms, 'leaseUs'>): number {
  return Math.max(1, Math.floor(leaseUs / 4));
}

/** A usual demand is a whole number of these, so that a bucket keeps it in 8 bytes. */
export const PARTS = 64;
/** A home that was short is asked again after about this many requested tokens. */
const REQUESTED_PER_CALL = 20;
/** A bucket is idle after so many windows that this many takes were expected in them: few come later. */
const MISSED_TAKES = 10;
/** The fewest and the most windows without a take after which a bucket is idle. */
const IDLE_WINDOWS = [2, 6] as const;

/** Counts one take. */
export function noteTake(
  demand: Demand,
  costTokens: number,
  allowed: boolean,
  nowUs: number,
  windowUs: number,
): void {
  const window = Math.floor(nowUs / windowUs);
  if (window !== demand.window) turn(demand, window);
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
  const expected = Math.max(1, expectedOf(demand, nowUs, windowUs));
  const seldomUs = Math.min(windowUs / 2, Math.max(windowUs / 8, (windowUs * REQUESTED_PER_CALL) / expected));
  const waitUs = Math.min(windowUs, Math.max(Math.ceil(missing / quantaPerUs), Math.floor(seldomUs)));
  demand.emptyUntilUs = missing <= 0 ? 0 : nowUs + waitUs;
  demand.lacking = 0;
}

/** Notes how long the request took whose grant may now be spent. A slow one is remembered for a few. */
export function noteAnswer(demand: Demand, sentAtUs: number, nowUs: number): void {
  demand.answerUs = Math.max(Math.ceil(nowUs - sentAtUs), (demand.answerUs * 3) >> 2);
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

/** The tokens that a window is expected to request: as many as this one has, or as a usual one. */
export function expectedOf(demand: Demand, nowUs: number, windowUs: number): number {
  const passed = Math.floor(nowUs / windowUs) - demand.window;
  if (passed <= 0) return Math.max(demand.requested, demand.usualParts / PARTS);
  return usualAfter(demand, passed) / PARTS;
}

/** Whether a take has not come for so long that none is expected soon. */
export function isIdle(demand: Demand, nowUs: number, windowUs: number): boolean {
  const passed = Math.floor(nowUs / windowUs) - demand.window;
  const [fewest, most] = IDLE_WINDOWS;
  if (passed < fewest) return false;
  return passed >= most || passed * usualAfter(demand, 1) >= MISSED_TAKES * PARTS;
}

/** The usual demand after its window and more without a take. It follows a rise faster than a fall. */
function usualAfter({ requested, usualParts }: Demand, passed: number): number {
  const parts = requested * PARTS;
  if (usualParts === 0) return fallen(parts, passed - 1);
  const usual = parts > usualParts ? (parts + usualParts) / 2 : parts + (usualParts - parts) * FALL;
  return fallen(usual, passed - 1);
}

const FALL = 0.75;

/** After so many windows without a take. Products, since engines may differ in the last place of a power. */
function fallen(parts: number, windows: number): number {
  let left = parts;
  for (let nth = 0; nth < windows && left > NEXT_TO_NONE; nth++) left *= FALL;
  return left;
}

/** The result is rounded. */
const NEXT_TO_NONE = 0.1;

/** Starts the window of a take. */
function turn(demand: Demand, window: number): void {
  const passed = window - demand.window;
  demand.usualParts = Math.round(usualAfter(demand, passed));
  if (passed > 1) {
    demand.takesInRow = 0;
    if (demand.waiting === undefined) demand.lacking = 0; // those takes are over
  }
  demand.requested = 0;
  demand.window = window;
}
