import type { Decision } from '../../../core/decision.ts';
import { OpenclawError } from '../../../core/errors.ts';
import type { Policy } from '../../../core/policy.ts';
import type { Subject } from '../../limiter.ts';
import { closedError } from '../../redis/errors.ts';
import { withTimeout } from '../../with-timeout.ts';
import { demandWindowUs, isIdle, isShort, noteReply, noteTake, plan, untilHomeHasUs } from './demand.ts';
import { leftTokens, makeRequest, receive, repeatRequest, tryTake } from './holder.ts';
import type { HomeClient } from './home-client.ts';
import type { LentBucket, Waiter } from './lent-buckets.ts';
import { LentBuckets } from './lent-buckets.ts';
import type { LeaseTerms, Reply, Request } from './protocol.ts';
import { ReturningUsers } from './returning.ts';

export interface BorrowerOptions {
  /** The strategy's name in decisions. */
  readonly strategy: string;
  readonly home: HomeClient;
  readonly leaseUs: number;
  readonly termsOf: (policy: Policy) => LeaseTerms;
  /** Drawn at random at every start. */
  readonly holder: number;
}

/** Every bucket is checked once in half a window, an eighth of them at a time. */
const CHECKS = 8;
const CLOSE_MS = 1_000;

/**
 * One holder: decides in memory by the tokens it has borrowed, and asks home for more before they are spent. It reads a
 * monotonic clock at every decision. Suspending the machine stops that clock, so leases must not be used there.
 */
export class Borrower {
  readonly #options: BorrowerOptions;
  readonly #buckets: LentBuckets;
  readonly #returning = new ReturningUsers();
  readonly #windowUs: number;
  readonly #timer: NodeJS.Timeout;
  #inFlight = 0;
  #onAllAnswered: (() => void) | undefined;
  #isClosed = false;

  constructor(options: BorrowerOptions) {
    this.#options = options;
    this.#buckets = new LentBuckets(options.holder);
    this.#windowUs = demandWindowUs(options);
    this.#timer = setInterval(() => this.#checkSome(), this.#windowUs / 1_000 / 2 / CHECKS);
    this.#timer.unref();
  }

  /**
   * Decides by the tokens it has borrowed, or once home has replied. Where few users come again, it borrows for a first
   * take only what it costs, and keeps no bucket: what is lent is spent, and home ends that lease by itself.
   */
  async take(subject: Subject, policy: Policy, costTokens: number): Promise<Decision> {
    const isKept = this.#returning.areMost || this.#buckets.find(subject) !== undefined;
    if (isKept || !this.#returning.addFirst(subject, this.#windowAt(now())))
      return this.tryTake(subject, policy, costTokens) ?? this.#wait(subject, costTokens);
    if (this.#isClosed) throw closedError();
    this.#options.home.keyOf(subject); // throws INVALID_SUBJECT
    const nowUs = now();
    const bucket = this.#buckets.once(subject, this.#options.termsOf(policy), this.#windowAt(nowUs));
    noteTake(bucket, costTokens, false, nowUs, this.#windowUs);
    await this.#send(bucket, makeRequest(bucket, { want: costTokens, need: costTokens }, nowUs));
    if (this.#isClosed) throw closedError(); // what was lent is on its way back
    if (bucket.failure !== undefined) throw bucket.failure;
    const thenUs = now();
    if (tryTake(bucket, costTokens, thenUs)) return this.#admission(bucket);
    return this.#denial(bucket, costTokens, thenUs);
  }

  /** Decides synchronously if it can, and asks home for the expected demand. Throws LIMITER_CLOSED, INVALID_SUBJECT. */
  tryTake(subject: Subject, policy: Policy, costTokens: number): Decision | undefined {
    if (this.#isClosed) throw closedError();
    const bucket = this.#buckets.find(subject) ?? this.#add(subject, policy);
    if (bucket.terms.policy !== policy) bucket.terms = this.#options.termsOf(policy);
    const nowUs = now();
    const allowed = tryTake(bucket, costTokens, nowUs);
    noteTake(bucket, costTokens, allowed, nowUs, this.#windowUs);
    this.#returning.note(bucket.takesInRow, bucket.window);
    if (!bucket.isInFlight) this.#requestIfNeeded(bucket, nowUs);
    if (allowed) return this.#admission(bucket);
    const lackingTokens = costTokens - spendableTokens(bucket, nowUs);
    if (bucket.failure === undefined && isShort(bucket, lackingTokens, nowUs, this.#windowUs))
      return this.#denial(bucket, lackingTokens, nowUs);
    return undefined;
  }

  /** Decides once home has replied to the request of `tryTake`; rejects with NO_LEASE if it does not reply. */
  #wait(subject: Subject, costTokens: number): Promise<Decision> {
    return new Promise((resolve, reject) => {
      const bucket = this.#buckets.find(subject);
      if (bucket?.isInFlight !== true) return reject(noLease(bucket?.failure));
      bucket.waiting ??= [];
      bucket.waiting.push({ costTokens, decide: resolve, fail: reject });
    });
  }

  /** The whole tokens left here whose lease has not ended. */
  leftOf(subject: Subject): number {
    const bucket = this.#buckets.find(subject);
    return bucket === undefined ? 0 : spendableTokens(bucket, now());
  }

  /** Returns its tokens, and waits at most a second for the replies; home takes back the rest when their leases end. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    const closed = closedError();
    for (const bucket of this.#buckets.all()) {
      failAll(bucket, closed);
      if (!bucket.isInFlight) this.#endLease(bucket);
    }
    if (this.#inFlight === 0) return;
    const answered = new Promise<void>((resolve) => {
      this.#onAllAnswered = resolve;
    });
    await withTimeout(CLOSE_MS, answered, () => {});
  }

  #add(subject: Subject, policy: Policy): LentBucket {
    this.#options.home.keyOf(subject); // throws INVALID_SUBJECT
    const bucket = this.#buckets.add(subject, this.#options.termsOf(policy), this.#windowAt(now()));
    if (this.#returning.hasRecent(subject)) Object.assign(bucket, { requestedBefore: 1, takesInRow: 1 });
    return bucket;
  }

  #windowAt(nowUs: number): number {
    return Math.floor(nowUs / this.#windowUs);
  }

  #requestIfNeeded(bucket: LentBucket, nowUs: number): void {
    if (this.#isClosed) return;
    if (bucket.isUnanswered) {
      if (nowUs >= bucket.emptyUntilUs) void this.#send(bucket, repeatRequest(bucket, nowUs));
      return;
    }
    const question = plan(bucket, bucket, bucket.terms, nowUs, this.#returning.areMost);
    if (question !== undefined) void this.#send(bucket, makeRequest(bucket, question, nowUs));
  }

  /** Marks the request as in flight at once. Never rejects. */
  async #send(bucket: LentBucket, request: Request): Promise<void> {
    bucket.isInFlight = true;
    this.#inFlight++;
    const { terms } = bucket;
    const subject = { user: bucket.user, endpoint: bucket.shelf.endpoint };
    try {
      const { reply, node } = await this.#options.home.request(subject, request, terms);
      this.#receive(bucket, reply, node, terms);
    } catch (error) {
      this.#fail(bucket, error);
    }
    this.#inFlight--;
    if (this.#inFlight === 0) this.#onAllAnswered?.();
  }

  #receive(bucket: LentBucket, reply: Reply, node: string, terms: LeaseTerms): void {
    const nowUs = now();
    if (!receive(bucket, reply, terms, nowUs)) throw noLease('the reply came after the end of the lease');
    bucket.isInFlight = false;
    bucket.failure = undefined;
    bucket.node = node;
    const leftHere = leftTokens(bucket);
    noteReply(bucket, { reply, leftHere, policy: terms.policy, nowUs, windowUs: this.#windowUs });
    this.#decideWaiting(bucket, nowUs);
    if (this.#isClosed) this.#endLease(bucket);
    else if (bucket.waiting !== undefined) {
      this.#requestIfNeeded(bucket, nowUs);
      if (!bucket.isInFlight) failAll(bucket, noLease(undefined)); // no request is in flight to wait for
    }
  }

  #decideWaiting(bucket: LentBucket, nowUs: number): void {
    const { waiting = [] } = bucket;
    bucket.waiting = undefined;
    const still: Waiter[] = [];
    for (const waiter of waiting) {
      const { costTokens, decide } = waiter;
      const lackingTokens = costTokens - spendableTokens(bucket, nowUs);
      if (tryTake(bucket, costTokens, nowUs)) decide(this.#admission(bucket));
      else if (isShort(bucket, lackingTokens, nowUs, this.#windowUs))
        decide(this.#denial(bucket, lackingTokens, nowUs));
      else still.push(waiter);
    }
    if (still.length === 0) return;
    bucket.waiting = still;
    bucket.lacking = Math.min(...still.map(({ costTokens }) => costTokens));
  }

  /** The request failed: it is sent again later, with the same number. */
  #fail(bucket: LentBucket, error: unknown): void {
    const failure = noLease(error);
    bucket.isInFlight = false;
    bucket.failure = failure;
    bucket.emptyUntilUs = now() + this.#windowUs / 4;
    failAll(bucket, failure);
  }

  #checkSome(): void {
    const nowUs = now();
    this.#buckets.visitNext(Math.ceil(this.#buckets.size / CHECKS), (bucket) => this.#check(bucket, nowUs));
  }

  /** Renews or returns a lease without a take; drops unused buckets. */
  #check(bucket: LentBucket, nowUs: number): void {
    if (bucket.isInFlight) return;
    const { leaseUs, marginUs } = bucket.terms;
    const isUnused = isIdle(bucket, nowUs, this.#windowUs);
    // An unused bucket is not asked for again. After this time home has taken back anything that it lent.
    const forgottenAtUs = bucket.isUnanswered ? bucket.emptyUntilUs + leaseUs + marginUs : bucket.expiresAtUs;
    if (!isUnused || (!bucket.isUnanswered && leftTokens(bucket) > 0)) this.#requestIfNeeded(bucket, nowUs);
    else if (nowUs >= forgottenAtUs) this.#buckets.drop(bucket);
  }

  /** Returns what is left and reports what was used. One take is not worth a request: home ends that lease itself. */
  #endLease(bucket: LentBucket): void {
    const isOneTake = bucket.takesInRow === 1 && leftTokens(bucket) === 0;
    if (bucket.isUnanswered || bucket.seq === 0 || isOneTake) return;
    void this.#send(bucket, makeRequest(bucket, { want: 0, giveBack: leftTokens(bucket) }, now()));
  }

  #admission(bucket: LentBucket): Decision {
    return {
      allowed: true,
      remainingTokens: leftTokens(bucket),
      retryAfterUs: 0,
      evidence: { strategy: this.#options.strategy, node: bucket.node, source: 'lease' },
    };
  }

  #denial(bucket: LentBucket, lackingTokens: number, nowUs: number): Decision {
    const untilRefilledUs = untilHomeHasUs(bucket, lackingTokens, bucket.terms.policy, nowUs);
    const retryAfterUs = Math.ceil(Math.max(untilRefilledUs, bucket.emptyUntilUs - nowUs));
    return {
      allowed: false,
      remainingTokens: spendableTokens(bucket, nowUs),
      retryAfterUs: retryAfterUs > 0 ? retryAfterUs : Math.ceil(this.#windowUs / CHECKS),
      evidence: { strategy: this.#options.strategy, node: bucket.node, source: 'lease' },
    };
  }
}

function now(): number {
  return performance.now() * 1_000;
}

/** The tokens that a take may spend now. */
function spendableTokens(bucket: LentBucket, nowUs: number): number {
  return nowUs < bucket.expiresAtUs ? leftTokens(bucket) : 0;
}

function failAll(bucket: LentBucket, reason: OpenclawError): void {
  const { waiting = [] } = bucket;
  bucket.waiting = undefined;
  for (const { fail } of waiting) fail(reason);
}

/** Home did not lend: no token was spent, even if the request arrived. */
function noLease(why: unknown): OpenclawError {
  if (why instanceof OpenclawError && why.code === 'NO_LEASE') return why;
  const message = why instanceof Error ? why.message : String(why ?? 'no request was sent');
  return new OpenclawError('NO_LEASE', `Redis lent no tokens: ${message}`, { cause: why });
}
