import type { Decision } from '../core/decision.ts';
import type { Policy } from '../core/policy.ts';

/** Whom a bucket limits: one user at one endpoint. */
export interface Subject {
  readonly user: string;
  readonly endpoint: string;
}

/** A policy by the name that decisions, costs and headers call it. */
export interface NamedPolicy {
  readonly name: string;
  readonly policy: Policy;
}

/** Whole tokens, at least 1 and at most the capacity: of every policy alike, or by name, 1 where a name is missing. */
export type Cost = number | Readonly<Record<string, number>>;

export interface TakeOptions {
  /** Default 1. */
  readonly cost?: Cost;
  /**
   * Takes of a subject with the same id are one decision: while its admission is remembered (the limiter's
   * `decisionMemoryMs`), each is answered with it and charges nothing more, whatever its cost. A denial is not
   * remembered. Whoever chooses an id can repeat an admission: never take one from a user. Letters, digits and
   * `_ . : + / = -`, 1 to 128 of them.
   */
  readonly decisionId?: string;
}

export interface RefundOptions {
  /** Default 1. */
  readonly cost?: Cost;
  /** Refunds of a subject with the same id are made once while the first is remembered. Takes have ids of their own. */
  readonly decisionId?: string;
}

/** What one policy's bucket holds now. Times are the deciding server's, in microseconds. */
export interface PolicyLevel {
  readonly policy: string;
  readonly levelQuanta: number;
  readonly remainingTokens: number;
  readonly timeToNextTokenUs: number;
  readonly timeToFullUs: number;
}

/** What a subject's bucket holds now; of several policies, that of the one with the fewest tokens. */
export interface Level extends Omit<PolicyLevel, 'policy'> {
  readonly node: string;
  readonly atUs: number;
  /** Each policy's, where there are several. */
  readonly policies?: readonly PolicyLevel[];
}

/**
 * A token-bucket limiter. Every method rejects with an OpenclawError whose `charge` says whether tokens may
 * have been taken (or given back): `none` is a certainty; `possible` means that the request was sent and no reply came.
 */
export interface Limiter {
  readonly strategy: string;
  /** The first of its policies, without overrides. */
  readonly policy: Policy;
  /** Those that decide about a subject together, in the order of their levels. */
  policiesOf(subject: Subject): readonly NamedPolicy[];
  /** Takes the cost from every policy's bucket, or denies and takes none. */
  take(subject: Subject, options?: TakeOptions): Promise<Decision>;
  /** Reads the level without taking. Strategies that keep no level refuse with INVALID_OPTION. */
  peek(subject: Subject): Promise<Level>;
  /**
   * Gives tokens back, each bucket at most until it is full, and tells its level after. In a history it is an
   * operation of negative cost. Strategies that keep no level refuse with INVALID_OPTION.
   */
  refund(subject: Subject, options?: RefundOptions): Promise<Level>;
  /** Fills the subject's buckets. In a history it is an event `reset`. What decision ids remember stays. */
  reset(subject: Subject): Promise<void>;
  /** Resolves once Redis answers; rejects with the reason when it does not within the command timeout. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
