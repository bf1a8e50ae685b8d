import type { Decision } from '../../core/decision.ts';
import type { OpenclawError } from '../../core/errors.ts';
import type { Demand } from './demand.ts';
import type { Holder } from './holder.ts';
import type { LeaseTerms } from './protocol.ts';

/** What all buckets of one endpoint in one process have in common. */
export interface Shelf {
  readonly endpoint: string;
  /** The number of this process' start. */
  readonly holder: number;
}

/** A take that waits for home's answer. */
export interface Waiter {
  readonly costTokens: number;
  readonly decide: (decision: Decision) => void;
  readonly fail: (reason: OpenclawError) => void;
}

/**
 * All that a process keeps of one bucket, in one object: there are many, and each field costs 8 bytes, each that holds
 * a time 16 more. Both the lease and what is asked of it.
 */
export class LentBucket implements Holder, Demand {
  lease: number;
  seq = 0;
  granted = 0;
  used = 0;
  returned = 0;
  expiresAtUs = 0;
  isAsking = false;
  want = 0;
  need = 0;
  window: number;
  asked = 0;
  askedBefore = 0;
  lacking = 0;
  borrowers = 1;
  emptyUntilUs = 0;
  homeTokens = 0;
  homeZeroAtUs = 0;

  terms: LeaseTerms;
  readonly shelf: Shelf;
  readonly user: string;
  /** The primary that last answered. */
  node = '';
  /** A request that was sent and has not come back, or why it did not, and who waits for it. */
  waiting: Waiter[] | undefined = undefined;
  failure: OpenclawError | undefined = undefined;
  isSent = false;

  constructor({
    shelf,
    user,
    terms,
    lastLease,
    window,
  }: {
    shelf: Shelf;
    user: string;
    terms: LeaseTerms;
    /** No lease of this bucket had a higher number in this process. */
    lastLease: number;
    window: number;
  }) {
    this.shelf = shelf;
    this.user = user;
    this.terms = terms;
    this.lease = lastLease;
    this.window = window;
  }

  get holder(): number {
    return this.shelf.holder;
  }
}
