import type { Decision } from '../../core/decision.ts';
import { OpenclawError } from '../../core/errors.ts';
import type { Policy } from '../../core/policy.ts';
import type { Subject } from '../limiter.ts';
import { closedError } from '../redis-errors.ts';
import { demandWindowUs, isIdle, isShort, noteReply, noteTake, plan, untilHomeHasUs } from './demand.ts';
import { ask, askAgain, leftTokens, receive, tryTake } from './holder.ts';
import type { HomeLink } from './home-link.ts';
import type { LentBucket, Waiter } from './lent-bucket.ts';
import { LentBuckets } from './lent-buckets.ts';
import type { LeaseTerms, Reply, Request } from './protocol.ts';

export interface BorrowerOptions {
  /** What decisions are signed with. */
  readonly strategy: string;
  readonly home: HomeLink;
  readonly leaseUs: number;
  readonly termsOf: (policy: Policy) => LeaseTerms;
  /** Drawn anew at every start. */
  readonly holder: number;
}

/** Every bucket is looked at once in half a window, some at each of so many times. */
const LOOKS = 8;
const CLOSE_MS = 1_000;

/**
 * One holder: decides in memory by what it has borrowed, and asks home for more before that is spent. Its clock is
 * monotonic and read at every decision. A machine that sleeps stops that clock: what is lent must not outlast a sleep.
 */
export class Borrower {
  readonly #options: BorrowerOptions;
  readonly #buckets: LentBuckets;
  readonly #windowUs: number;
  readonly #timer: NodeJS.Timeout;
  #asked = 0;
  #onAllAnswered: (() => void) | undefined;
  #isClosed = false;

  constructor(options: BorrowerOptions) {
    this.#options = options;
    this.#buckets = new LentBuckets(options.holder);
    this.#windowUs = demandWindowUs(options);
    this.#timer = setInterval(() => this.#lookAtSome(), this.#windowUs / 1_000 / 2 / LOOKS);
    this.#timer.unref();
  }

  /** Decides at once, if it can, and asks home for what will be needed. Throws LIMITER_CLOSED and INVALID_SUBJECT. */
  tryTake(subject: Subject, policy: Policy, costTokens: number): Decision | undefined {
    if (this.#isClosed) throw closedError();
    const bucket = this.#buckets.find(subject) ?? this.#add(subject, policy);
    if (bucket.terms.policy !== policy) bucket.terms = this.#options.termsOf(policy);
    const nowUs = now();
    const allowed = tryTake(bucket, costTokens, nowUs);
    noteTake(bucket, costTokens, allowed, nowUs, this.#windowUs);
    if (!bucket.isSent) this.#askIfNeeded(bucket, nowUs);
    if (allowed) return this.#admission(bucket);
    const lackingTokens = costTokens - spendableTokens(bucket, nowUs);
    if (bucket.failure === undefined && isShort(bucket, lackingTokens, nowUs, this.#windowUs))
      return this.#denial(bucket, lackingTokens, nowUs);
    return undefined;
  }

  /** Decides once home has answered what `tryTake` asked; rejects with NO_LEASE when it does not. */
  wait(subject: Subject, costTokens: number): Promise<Decision> {
    return new Promise((resolve, reject) => {
      const bucket = this.#buckets.find(subject);
      if (bucket?.isSent !== true) return reject(noLease(bucket?.failure));
      bucket.waiting ??= [];
      bucket.waiting.push({ costTokens, decide: resolve, fail: reject });
    });
  }

  /** What is left here of a bucket whose term lasts. Whole tokens. */
  leftOf(subject: Subject): number {
    const bucket = this.#buckets.find(subject);
    return bucket === undefined ? 0 : spendableTokens(bucket, now());
  }

  /** Gives back what it holds, and waits for that a second at most; what is not given back, home takes back in time. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const bucket of this.#buckets.all()) {
      failAll(bucket, closedError());
      if (!bucket.isSent) this.#endLease(bucket);
    }
    if (this.#asked === 0) return;
    let late: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onAllAnswered = resolve;
      late = setTimeout(resolve, CLOSE_MS);
    });
    clearTimeout(late);
  }

  #add(subject: Subject, policy: Policy): LentBucket {
    this.#options.home.keyOf(subject); // throws for what is none
    return this.#buckets.add(subject, this.#options.termsOf(policy), Math.floor(now() / this.#windowUs));
  }

  #askIfNeeded(bucket: LentBucket, nowUs: number): void {
    if (this.#isClosed) return;
    if (bucket.isAsking) {
      if (nowUs >= bucket.emptyUntilUs) this.#send(bucket, askAgain(bucket, nowUs));
      return;
    }
    const question = plan(bucket, bucket, bucket.terms, nowUs);
    if (question !== undefined) this.#send(bucket, ask(bucket, question, nowUs));
  }

  #send(bucket: LentBucket, request: Request): void {
    bucket.isSent = true;
    this.#asked++;
    const { terms } = bucket;
    const subject = { user: bucket.user, endpoint: bucket.shelf.endpoint };
    this.#options.home
      .ask(subject, request, terms)
      .then(({ reply, node }) => this.#receive(bucket, reply, node, terms))
      .catch((error: unknown) => this.#fail(bucket, error))
      .finally(() => {
        this.#asked--;
        if (this.#asked === 0) this.#onAllAnswered?.();
      });
  }

  #receive(bucket: LentBucket, reply: Reply, node: string, terms: LeaseTerms): void {
    const nowUs = now();
    if (!receive(bucket, reply, terms, nowUs)) throw noLease('home answered when the term was over');
    bucket.isSent = false;
    bucket.failure = undefined;
    bucket.node = node;
    const leftHere = leftTokens(bucket);
    noteReply(bucket, { reply, leftHere, policy: terms.policy, nowUs, windowUs: this.#windowUs });
    this.#decideWaiting(bucket, nowUs);
    if (this.#isClosed) this.#endLease(bucket);
    else if (bucket.waiting !== undefined) {
      this.#askIfNeeded(bucket, nowUs);
      if (!bucket.isSent) failAll(bucket, noLease(undefined)); // nobody may wait for what is not asked
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

  /** The request has no answer: it is asked again, by the same number, a while later. */
  #fail(bucket: LentBucket, error: unknown): void {
    const failure = noLease(error);
    bucket.isSent = false;
    bucket.failure = failure;
    bucket.emptyUntilUs = now() + this.#windowUs / 4;
    failAll(bucket, failure);
  }

  #lookAtSome(): void {
    const nowUs = now();
    for (const bucket of this.#buckets.next(Math.ceil(this.#buckets.size / LOOKS)))
      this.#lookAt(bucket, nowUs);
  }

  /** Renews, or gives back, where no take does; forgets what nobody asks for. */
  #lookAt(bucket: LentBucket, nowUs: number): void {
    if (bucket.isSent) return;
    const { leaseUs, marginUs } = bucket.terms;
    const isUnused = isIdle(bucket, nowUs, this.#windowUs);
    // What nobody needs is not asked again. By the end of this time home has taken back what it may have lent.
    const forgottenAtUs = bucket.isAsking ? bucket.emptyUntilUs + leaseUs + marginUs : bucket.expiresAtUs;
    if (!isUnused || (!bucket.isAsking && leftTokens(bucket) > 0)) this.#askIfNeeded(bucket, nowUs);
    else if (nowUs >= forgottenAtUs) this.#buckets.drop(bucket);
  }

  #endLease(bucket: LentBucket): void {
    if (bucket.isAsking || bucket.seq === 0) return;
    this.#send(bucket, ask(bucket, { want: 0, giveBack: leftTokens(bucket) }, now()));
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
      retryAfterUs: retryAfterUs > 0 ? retryAfterUs : Math.ceil(this.#windowUs / LOOKS),
      evidence: { strategy: this.#options.strategy, node: bucket.node, source: 'lease' },
    };
  }
}

function now(): number {
  return performance.now() * 1_000;
}

/** Tokens that a take may have now. */
function spendableTokens(bucket: LentBucket, nowUs: number): number {
  return nowUs < bucket.expiresAtUs ? leftTokens(bucket) : 0;
}

function failAll(bucket: LentBucket, reason: OpenclawError): void {
  const { waiting = [] } = bucket;
  bucket.waiting = undefined;
  for (const { fail } of waiting) fail(reason);
}

/** Home did not lend: no token was taken, whatever became of the request. */
function noLease(why: unknown): OpenclawError {
  if (why instanceof OpenclawError && why.code === 'NO_LEASE') return why;
  const words = why instanceof Error ? why.message : String(why ?? 'it was not asked');
  return new OpenclawError('NO_LEASE', `home lends nothing: ${words}`, { cause: why });
}
