import type { Decision } from '../../../core/decision.ts';
import type { Policy } from '../../../core/policy.ts';
import type { Time, Timer } from '../../../core/time.ts';
import type { Subject } from '../../limiter.ts';
import { closedError } from '../../redis/errors.ts';
import { withTimeout } from '../../with-timeout.ts';
import { Batch } from './batch.ts';
import {
  demandWindowUs,
  isIdle,
  isShort,
  noteAnswer,
  noteReply,
  noteTake,
  PARTS,
  untilHomeHasUs,
} from './demand.ts';
import { leftTokens, makeRequest, receive, repeatRequest, tryTake } from './holder.ts';
import type { HomeClient, HomeReply } from './home-client.ts';
import { type LentBucket, LentBuckets } from './lent-buckets.ts';
import { batchUs, plan } from './plan.ts';
import type { LeaseTerms, Reply, Request } from './protocol.ts';
import { ReturningUsers } from './returning.ts';
import {
  addWaiter,
  decideWaiters,
  endRequest,
  failAll,
  lackingTokens,
  noLease,
  spendableTokens,
} from './waiters.ts';

export interface BorrowerOptions {
  /** The strategy's name in decisions. */
  readonly strategy: string;
  readonly home: HomeClient;
  readonly leaseUs: number;
  readonly termsOf: (policy: Policy) => LeaseTerms;
  /** Drawn at random at every start. */
  readonly holder: number;
  readonly time: Time;
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
  readonly #now: () => number;
  readonly #timer: Timer;
  readonly #batch: Batch;
  #inFlight = 0;
  #onAllAnswered: (() => void) | undefined;
  #isClosed = false;

  constructor(options: BorrowerOptions) {
    this.#options = options;
    this.#now = () => options.time.nowUs();
    this.#buckets = new LentBuckets(options.holder);
    this.#windowUs = demandWindowUs(options);
    this.#batch = new Batch(options.time, batchUs(this.#windowUs) / 1_000, (bucket) => {
      if (!bucket.isInFlight) this.#requestIfNeeded(bucket, this.#now());
    });
    this.#timer = options.time.every(this.#windowUs / 1_000 / 2 / CHECKS, () => this.#checkSome());
  }

  /**
   * Decides by the tokens it has borrowed, or once home has replied. Where few users come again, it borrows for a first
   * take only what it costs, and keeps no bucket: what is lent is spent, and home ends that lease by itself.
   */
  async take(subject: Subject, policy: Policy, costTokens: number): Promise<Decision> {
    const isKept = this.#returning.areMost || this.#buckets.find(subject) !== undefined;
    if (isKept || !this.#returning.addFirst(subject, this.#windowAt(this.#now())))
      return this.tryTake(subject, policy, costTokens) ?? this.#wait(subject, costTokens);
    if (this.#isClosed) throw closedError();
    this.#options.home.keyOf(subject); // throws INVALID_SUBJECT
    const nowUs = this.#now();
    const bucket = this.#buckets.once(subject, this.#options.termsOf(policy), this.#windowAt(nowUs));
    noteTake(bucket, costTokens, false, nowUs, this.#windowUs);
    await this.#send(bucket, makeRequest(bucket, { want: costTokens, need: costTokens }, nowUs));
    if (this.#isClosed) throw closedError(); // what was lent is on its way back
    if (bucket.failure !== undefined) throw bucket.failure;
    const thenUs = this.#now();
    if (tryTake(bucket, costTokens, thenUs)) return this.#admission(bucket);
    return this.#denial(bucket, lackingTokens(bucket, costTokens, thenUs), thenUs);
  }

  /** Decides synchronously if it can, and asks home for the expected demand. Throws LIMITER_CLOSED, INVALID_SUBJECT. */
  tryTake(subject: Subject, policy: Policy, costTokens: number): Decision | undefined {
    if (this.#isClosed) throw closedError();
    const bucket = this.#buckets.find(subject) ?? this.#add(subject, policy);
    if (bucket.terms.policy !== policy) bucket.terms = this.#options.termsOf(policy);
    const nowUs = this.#now();
    const allowed = tryTake(bucket, costTokens, nowUs);
    noteTake(bucket, costTokens, allowed, nowUs, this.#windowUs);
    this.#returning.note(bucket.takesInRow, bucket.window);
    const lacking = allowed ? 0 : lackingTokens(bucket, costTokens, nowUs);
    const isDenied = lacking > 0 && bucket.failure === undefined && this.#isShort(bucket, lacking, nowUs);
    if (!bucket.isInFlight) {
      if (allowed || isDenied) this.#requestSoon(bucket, nowUs);
      else this.#requestIfNeeded(bucket, nowUs);
    }
    if (allowed) return this.#admission(bucket);
    return isDenied ? this.#denial(bucket, lacking, nowUs) : undefined;
  }

  /** Decides once home has replied to the request of `tryTake`; rejects with NO_LEASE if it does not reply. */
  #wait(subject: Subject, costTokens: number): Promise<Decision> {
    return new Promise((resolve, reject) => {
      const bucket = this.#buckets.find(subject);
      if (bucket?.isInFlight !== true) return reject(noLease(bucket?.failure));
      addWaiter(bucket, { costTokens, decide: resolve, fail: reject });
    });
  }

  /** The whole tokens left here whose lease has not ended. */
  leftOf(subject: Subject): number {
    const bucket = this.#buckets.find(subject);
    return bucket === undefined ? 0 : spendableTokens(bucket, this.#now());
  }

  /** Returns its tokens, and waits at most a second for the replies; home takes back the rest when their leases end. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer.cancel();
    this.#batch.close();
    const closed = closedError();
    for (const bucket of this.#buckets.all()) {
      failAll(bucket, closed);
      if (!bucket.isInFlight) this.#endLease(bucket);
    }
    if (this.#inFlight === 0) return;
    const answered = new Promise<void>((resolve) => {
      this.#onAllAnswered = resolve;
    });
    await withTimeout(CLOSE_MS, answered, () => {}, this.#options.time);
  }

  #add(subject: Subject, policy: Policy): LentBucket {
    this.#options.home.keyOf(subject); // throws INVALID_SUBJECT
    const bucket = this.#buckets.add(subject, this.#options.termsOf(policy), this.#windowAt(this.#now()));
    if (this.#returning.hasRecent(subject)) Object.assign(bucket, { usualParts: PARTS, takesInRow: 1 });
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

  /** The same with the next batch, for requests that no take waits for. */
  #requestSoon(bucket: LentBucket, nowUs: number): void {
    if (bucket.isDue) return;
    const isNeeded = bucket.isUnanswered
      ? nowUs >= bucket.emptyUntilUs
      : plan(bucket, bucket, bucket.terms, nowUs, this.#returning.areMost) !== undefined;
    if (isNeeded) this.#batch.add(bucket);
  }

  /** Marks the request as in flight at once. Never rejects. */
  async #send(bucket: LentBucket, request: Request): Promise<void> {
    bucket.isInFlight = true;
    this.#inFlight++;
    const { terms } = bucket;
    const subject = { user: bucket.user, endpoint: bucket.shelf.endpoint };
    try {
      const { reply, node } = await this.#options.home.request(subject, request, terms, (early) =>
        this.#foresee(bucket, early),
      );
      this.#receive(bucket, reply, node, terms);
    } catch (error) {
      this.#fail(bucket, error);
    }
    this.#inFlight--;
    if (this.#inFlight === 0) this.#onAllAnswered?.();
  }

  /**
   * Home has replied, but the replicas may lack its grant: denies the takes that the grant does not cover. Where home was
   * short before as well, later takes do not wait for it: most are denied anyway, and those after it get its tokens.
   */
  #foresee(bucket: LentBucket, { reply, node }: HomeReply): void {
    const nowUs = this.#now();
    bucket.node = node;
    bucket.isForeseen = true;
    if (bucket.emptyUntilUs === 0) bucket.comingGranted = reply.granted;
    let coming = reply.granted - bucket.used - bucket.returned;
    this.#noteReply(bucket, reply, coming, nowUs);
    decideWaiters(bucket, ({ costTokens }) => {
      const lacking = costTokens - coming;
      if (this.#isShort(bucket, lacking, nowUs)) return this.#denial(bucket, lacking, nowUs);
      coming -= costTokens;
      return undefined;
    });
  }

  #receive(bucket: LentBucket, reply: Reply, node: string, terms: LeaseTerms): void {
    const nowUs = this.#now();
    if (!receive(bucket, reply, terms, nowUs)) throw noLease('the reply came after the end of the lease');
    if (!bucket.isForeseen) this.#noteReply(bucket, reply, leftTokens(bucket), nowUs);
    noteAnswer(bucket, reply.sentAtUs, nowUs);
    endRequest(bucket, undefined);
    bucket.node = node;
    this.#decideWaiting(bucket, nowUs);
    if (this.#isClosed) this.#endLease(bucket);
    else if (bucket.waiting !== undefined) {
      this.#requestIfNeeded(bucket, nowUs);
      if (!bucket.isInFlight) failAll(bucket, noLease(undefined)); // no request is in flight to wait for
    }
  }

  #noteReply(bucket: LentBucket, reply: Reply, leftHere: number, nowUs: number): void {
    noteReply(bucket, { reply, leftHere, policy: bucket.terms.policy, nowUs, windowUs: this.#windowUs });
  }

  #decideWaiting(bucket: LentBucket, nowUs: number): void {
    decideWaiters(bucket, ({ costTokens }) => {
      const lacking = costTokens - spendableTokens(bucket, nowUs);
      if (tryTake(bucket, costTokens, nowUs)) return this.#admission(bucket);
      return this.#isShort(bucket, lacking, nowUs) ? this.#denial(bucket, lacking, nowUs) : undefined;
    });
    if (bucket.waiting !== undefined)
      bucket.lacking = Math.min(...bucket.waiting.map(({ costTokens }) => costTokens));
  }

  /** The request failed: it is sent again later, with the same number; at once where the bucket moves, perhaps elsewhere. */
  #fail(bucket: LentBucket, error: unknown): void {
    const failure = noLease(error);
    endRequest(bucket, failure);
    bucket.emptyUntilUs = this.#now() + (failure.code === 'NO_LEASE' ? this.#windowUs / 4 : 0);
    failAll(bucket, failure);
  }

  #checkSome(): void {
    const nowUs = this.#now();
    this.#buckets.visitNext(Math.ceil(this.#buckets.size / CHECKS), (bucket) => this.#check(bucket, nowUs));
  }

  /** Renews or returns a lease without a take; drops unused buckets. */
  #check(bucket: LentBucket, nowUs: number): void {
    if (bucket.isInFlight || bucket.isDue) return;
    const { leaseUs, marginUs } = bucket.terms;
    const isUnused = isIdle(bucket, nowUs, this.#windowUs);
    // An unused bucket is not asked for again. After this time home has taken back anything that it lent.
    const forgottenAtUs = bucket.isUnanswered ? bucket.emptyUntilUs + leaseUs + marginUs : bucket.expiresAtUs;
    if (!isUnused || (!bucket.isUnanswered && leftTokens(bucket) > 0)) this.#requestSoon(bucket, nowUs);
    else if (nowUs >= forgottenAtUs) this.#buckets.drop(bucket);
  }

  /** Returns what is left and reports what was used. One take is not worth a request: home ends that lease itself. */
  #endLease(bucket: LentBucket): void {
    const isOneTake = bucket.takesInRow === 1 && leftTokens(bucket) === 0;
    if (bucket.isUnanswered || bucket.seq === 0 || isOneTake) return;
    void this.#send(bucket, makeRequest(bucket, { want: 0, giveBack: leftTokens(bucket) }, this.#now()));
  }

  #admission(bucket: LentBucket): Decision {
    return {
      allowed: true,
      remainingTokens: leftTokens(bucket),
      retryAfterUs: 0,
      evidence: { strategy: this.#options.strategy, node: bucket.node, source: 'lease' },
    };
  }

  #isShort(bucket: LentBucket, lacking: number, nowUs: number): boolean {
    return lacking > 0 && isShort(bucket, lacking, nowUs, this.#windowUs);
  }

  #denial(bucket: LentBucket, lacking: number, nowUs: number): Decision {
    const untilRefilledUs = untilHomeHasUs(bucket, lacking, bucket.terms.policy, nowUs);
    const retryAfterUs = Math.ceil(Math.max(untilRefilledUs, bucket.emptyUntilUs - nowUs));
    return {
      allowed: false,
      remainingTokens: spendableTokens(bucket, nowUs),
      retryAfterUs: retryAfterUs > 0 ? retryAfterUs : Math.ceil(this.#windowUs / CHECKS),
      evidence: { strategy: this.#options.strategy, node: bucket.node, source: 'lease' },
    };
  }
}
