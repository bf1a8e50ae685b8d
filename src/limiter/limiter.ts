import type { Decision } from '../core/decision.ts';
import type { NamedPolicy } from '../core/policies.ts';
import type { Policy } from '../core/policy.ts';

export type { NamedPolicy } from '../core/policies.ts';

/** The owner of a bucket: one user at one endpoint. Both are 1 to 256 bytes without control characters. */
export interface Subject {
  readonly user: string;
  readonly endpoint: string;
}

/** Whole tokens, from 1 to the capacity: the same for every policy, or by policy name. A missing name costs 1. */
export type Cost = number | Readonly<Record<string, number>>;

export interface TakeOptions {
  /** Default 1. */
  readonly cost?: Cost;
  /**
   * 1 to 128 letters, digits and `_ . : + / = -`. A repeated take of the subject with the same id returns the first
   * admission and charges nothing, whatever its cost, for `decisionMemoryMs` of the limiter. Denials are not stored.
   * Never accept an id from an end user: a caller who chooses it can replay an admission without being charged.
   */
  readonly decisionId?: string;
}

export interface RefundOptions {
  /** Default 1. */
  readonly cost?: Cost;
  /** As in `TakeOptions`: a repeated refund with the same id has no effect. Takes and refunds do not share ids. */
  readonly decisionId?: string;
}

/** The current level of one policy's bucket, in quanta and whole tokens. Times are in microseconds from now. */
export interface PolicyLevel {
  readonly policy: string;
  readonly levelQuanta: number;
  readonly remainingTokens: number;
  readonly timeToNextTokenUs: number;
  readonly timeToFullUs: number;
}

/** The current level of a subject's bucket; with several policies, of the policy with the fewest tokens. */
export interface Level extends Omit<PolicyLevel, 'policy'> {
  /** The Redis server that answered, `host:port`. */
  readonly node: string;
  /** Its time, microseconds since 1970. */
  readonly atUs: number;
  /** The level of each policy, if the limiter has several. */
  readonly policies?: readonly PolicyLevel[];
}

/**
 * A token-bucket limiter. Its methods reject with an OpenclawError. `charge` of the error is `none` if certainly no tokens
 * were taken or given back, and `possible` if the request was sent and no usable reply came.
 */
export interface Limiter {
  readonly strategy: string;
  /** The first policy, without overrides. */
  readonly policy: Policy;
  /** The policies of a subject, in their order. Throws INVALID_SUBJECT, or an error of the overrides. */
  policiesOf(subject: Subject): readonly NamedPolicy[];
  /** Takes the cost from every policy's bucket, or denies and takes no tokens. */
  take(subject: Subject, options?: TakeOptions): Promise<Decision>;
  /** Reads the level without taking. Rejects with INVALID_OPTION if the strategy keeps no level. */
  peek(subject: Subject): Promise<Level>;
  /**
   * Gives tokens back to each bucket, up to its capacity, and returns the level afterwards. In a history this is an
   * operation with a negative cost. Rejects with INVALID_OPTION if the strategy cannot refund.
   */
  refund(subject: Subject, options?: RefundOptions): Promise<Level>;
  /** Fills the subject's buckets; stored decision ids stay. In a history this is an event `reset`. */
  reset(subject: Subject): Promise<void>;
  /** Resolves once Redis answers; rejects if it does not answer within the command timeout. */
  ready(): Promise<void>;
  /** Closes the limiter's connections; later calls reject with LIMITER_CLOSED. */
  close(): Promise<void>;
}
