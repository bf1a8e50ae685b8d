import type { Decision } from '../../../core/decision.ts';
import { type ErrorCode, OpenclawError } from '../../../core/errors.ts';
import { type Holder, leftTokens } from './holder.ts';

/** A take that waits for home's reply. */
export interface Waiter {
  readonly costTokens: number;
  readonly decide: (decision: Decision) => void;
  readonly fail: (reason: OpenclawError) => void;
}

/** The request in flight of one bucket, and the takes that wait for it. Changed in place. */
export interface Waiting {
  waiting: Waiter[] | undefined;
  /** The costs of all takes that wait. */
  waitingTokens: number;
  isInFlight: boolean;
  /** Whether home has replied, but the replicas may lack its grant. */
  isForeseen: boolean;
  /** `granted` of that reply, if later takes wait for its tokens; otherwise 0. */
  comingGranted: number;
  /** The error of the last request. */
  failure: OpenclawError | undefined;
}

/** The tokens that a take may spend now. */
export function spendableTokens(holder: Holder, nowUs: number): number {
  return nowUs < holder.expiresAtUs ? leftTokens(holder) : 0;
}

/** The tokens that a take lacks beside those that are here or on their way, and that no other take waits for. */
export function lackingTokens(bucket: Holder & Waiting, costTokens: number, nowUs: number): number {
  const coming = bucket.comingGranted - bucket.used - bucket.returned;
  return bucket.waitingTokens + costTokens - Math.max(coming, spendableTokens(bucket, nowUs));
}

export function addWaiter(bucket: Waiting, waiter: Waiter): void {
  bucket.waiting ??= [];
  bucket.waiting.push(waiter);
  bucket.waitingTokens += waiter.costTokens;
}

/** Decides takes, the earliest first; those for which `decide` returns undefined go on waiting. */
export function decideWaiters(bucket: Waiting, decide: (waiter: Waiter) => Decision | undefined): void {
  const { waiting = [] } = bucket;
  const still = waiting.filter((waiter) => {
    const decision = decide(waiter);
    if (decision !== undefined) waiter.decide(decision);
    return decision === undefined;
  });
  bucket.waiting = still.length > 0 ? still : undefined;
  bucket.waitingTokens = still.reduce((sum, { costTokens }) => sum + costTokens, 0);
}

export function failAll(bucket: Waiting, reason: OpenclawError): void {
  const { waiting = [] } = bucket;
  bucket.waiting = undefined;
  bucket.waitingTokens = 0;
  for (const { fail } of waiting) fail(reason);
}

/** The request in flight has its reply, or has failed. */
export function endRequest(bucket: Waiting, failure: OpenclawError | undefined): void {
  bucket.isInFlight = false;
  bucket.isForeseen = false;
  bucket.comingGranted = 0;
  bucket.failure = failure;
}

/** Errors that say what to do. */
const ITSELF: ReadonlySet<ErrorCode> = new Set(['NO_LEASE', 'BUCKET_MOVING', 'BUCKET_MOVED']);

/** Home did not lend: no token was spent, even if the request arrived. */
export function noLease(why: unknown): OpenclawError {
  if (why instanceof OpenclawError && ITSELF.has(why.code)) return why;
  const message = why instanceof Error ? why.message : String(why ?? 'no request was sent');
  return new OpenclawError('NO_LEASE', `Redis lent no tokens: ${message}`, { cause: why });
}
