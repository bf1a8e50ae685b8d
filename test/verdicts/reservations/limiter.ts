import { type Bucket, fullBucket, refill, takeAll } from '../../../src/core/bucket.ts';
import type { Policy } from '../../../src/core/policy.ts';
import { refund } from '../../support/refund.ts';

/** What a planted limiter does otherwise. */
export type Defect =
  | 'gives back the whole reservation'
  | 'gives back again at a repeated settlement'
  | 'gives back at the settlement and at the expiry'
  | 'gives back more than is held'
  | 'gives back though the settlement failed';

export interface Answer {
  readonly isAllowed: boolean;
  /** There is no such reservation, or no longer: an error, and nothing is charged or given back. */
  readonly isGone?: true;
  /** After the decision, of the first policy. */
  readonly levelQuanta: number;
  readonly bucketUs: number;
  /** Of a settlement: the real cost by policy that counts. */
  readonly actual?: readonly number[];
}

interface Reserved {
  readonly subject: string;
  readonly answer: Answer;
  readonly held: number[];
  readonly extended: Map<number, Answer>;
  readonly lastsUs: number;
  expiresAtUs: number;
  isReturned: boolean;
  settled?: Answer;
}

/** Exact buckets of several policies with reservations, as the library has them; or with a defect. Costs by policy. */
export class ReservingLimiter {
  readonly #policies: readonly Policy[];
  readonly #defect: Defect | undefined;
  readonly #buckets = new Map<string, readonly Bucket[]>();
  readonly #reserved = new Map<string, Reserved>();
  /** For a book of what another limiter admitted: whether that admitted the next take, whatever is left here. */
  forced: boolean | undefined;
  /** Whether a bucket of the book has been below zero: the other limiter gave away what was not there. */
  isOverdrawn = false;

  constructor(policies: readonly Policy[], defect?: Defect) {
    this.#policies = policies;
    this.#defect = defect;
  }

  take(subject: string, costs: readonly number[], nowUs: number): Answer {
    this.#expire(subject, nowUs);
    const buckets = this.#bucketsOf(subject, nowUs);
    const requests = this.#policies.map((policy, at) => {
      return { bucket: buckets[at] as Bucket, policy, costTokens: costs[at] as number };
    });
    if (this.forced === true) return this.#force(subject, requests, nowUs);
    const { allowed, taken } = takeAll(requests, nowUs);
    this.#buckets.set(
      subject,
      taken.map(({ bucket }) => bucket),
    );
    const [first] = taken;
    return {
      isAllowed: allowed,
      levelQuanta: first?.result.levelQuanta ?? 0,
      bucketUs: first?.result.bucketUs ?? 0,
    };
  }

  #force(
    subject: string,
    requests: readonly { bucket: Bucket; policy: Policy; costTokens: number }[],
    nowUs: number,
  ): Answer {
    const taken = requests.map(({ bucket, policy, costTokens }) => ({
      ...bucket,
      levelQuanta: bucket.levelQuanta - costTokens * policy.quantaPerToken,
    }));
    this.isOverdrawn ||= taken.some(({ levelQuanta }) => levelQuanta < 0);
    this.#buckets.set(subject, taken);
    return { isAllowed: true, levelQuanta: 0, bucketUs: nowUs };
  }

  reserve(
    subject: string,
    { id, costs, expiresUs }: { id: string; costs: readonly number[]; expiresUs?: number | undefined },
    nowUs: number,
  ): Answer {
    const known = this.#reserved.get(id);
    if (known !== undefined) return known.answer;
    const answer = this.take(subject, costs, nowUs);
    const lastsUs = expiresUs ?? Number.POSITIVE_INFINITY;
    const times = { lastsUs, expiresAtUs: nowUs + lastsUs };
    const rest = { subject, answer, ...times, held: [...costs], extended: new Map(), isReturned: false };
    if (answer.isAllowed) this.#reserved.set(id, rest);
    return answer;
  }

  extend(id: string, number: number, costs: readonly number[], nowUs: number): Answer {
    const reserved = this.#reserved.get(id);
    if (reserved === undefined || reserved.settled !== undefined) return GONE;
    const known = reserved.extended.get(number);
    if (known !== undefined) return known;
    this.#expire(reserved.subject, nowUs);
    if (reserved.isReturned) return GONE;
    const answer = this.take(reserved.subject, costs, nowUs);
    if (!answer.isAllowed) return answer;
    reserved.extended.set(number, answer);
    reserved.expiresAtUs = nowUs + reserved.lastsUs;
    for (const [at, cost] of costs.entries()) reserved.held[at] = (reserved.held[at] as number) + cost;
    return answer;
  }

  settle(id: string, actual: readonly number[], nowUs: number): Answer {
    const reserved = this.#reserved.get(id);
    if (reserved === undefined) return GONE;
    const { subject, held, settled } = reserved;
    if (settled !== undefined && this.#defect !== 'gives back again at a repeated settlement') return settled;
    const rest = held.map((tokens, at) => {
      if (this.#defect === 'gives back the whole reservation') return tokens;
      return this.#defect === 'gives back more than is held' ? tokens + 2 : tokens - (actual[at] as number);
    });
    if (!reserved.isReturned) this.#giveBack(subject, rest, nowUs);
    if (this.#defect !== 'gives back at the settlement and at the expiry')
      reserved.expiresAtUs = Number.POSITIVE_INFINITY;
    const answer = { isAllowed: true, levelQuanta: 0, bucketUs: nowUs, actual };
    reserved.settled ??= answer;
    return reserved.settled;
  }

  refund(subject: string, costs: readonly number[], nowUs: number): Answer {
    this.#expire(subject, nowUs);
    this.#giveBack(subject, costs, nowUs);
    return { isAllowed: true, levelQuanta: 0, bucketUs: nowUs };
  }

  reset(subject: string, nowUs: number): void {
    this.#buckets.set(
      subject,
      this.#policies.map((policy) => fullBucket(policy, nowUs)),
    );
  }

  #expire(subject: string, nowUs: number): void {
    for (const reserved of this.#reserved.values()) {
      if (reserved.subject !== subject || nowUs < reserved.expiresAtUs) continue;
      reserved.expiresAtUs = Number.POSITIVE_INFINITY;
      reserved.isReturned = true;
      this.#giveBack(subject, reserved.held, nowUs);
    }
  }

  #giveBack(subject: string, tokens: readonly number[], nowUs: number): void {
    const buckets = this.#bucketsOf(subject, nowUs);
    const filled = this.#policies.map((policy, at) =>
      refund(buckets[at] as Bucket, policy, { tokens: tokens[at] as number, nowUs }),
    );
    this.#buckets.set(subject, filled);
  }

  #bucketsOf(subject: string, nowUs: number): readonly Bucket[] {
    const known = this.#buckets.get(subject);
    return this.#policies.map((policy, at) =>
      known === undefined ? fullBucket(policy, nowUs) : refill(known[at] as Bucket, policy, nowUs),
    );
  }
}

const GONE: Answer = { isAllowed: false, isGone: true, levelQuanta: 0, bucketUs: 0 };
