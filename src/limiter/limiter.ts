import type { Decision } from '../core/decision.ts';
import type { Policy } from '../core/policy.ts';

/** Whom a bucket limits: one user at one endpoint. */
export interface Subject {
  readonly user: string;
  readonly endpoint: string;
}

/** What a bucket holds now. Times are the deciding server's, in microseconds. */
export interface Level {
  readonly levelQuanta: number;
  readonly remainingTokens: number;
  readonly timeToNextTokenUs: number;
  readonly timeToFullUs: number;
  readonly node: string;
  readonly atUs: number;
}

/**
 * A token-bucket limiter. Every method rejects with an OpenclawError whose `charge` says whether tokens may
 * have been taken: `none` is a certainty; `possible` means that the request was sent and no reply came.
 */
export interface Limiter {
  readonly strategy: string;
  readonly policy: Policy;
  /** Takes `cost` tokens (default 1, whole, at most the capacity) or denies and takes none. */
  take(subject: Subject, options?: { readonly cost?: number }): Promise<Decision>;
  /** Reads the level without taking. Strategies that keep no level refuse with INVALID_OPTION. */
  peek(subject: Subject): Promise<Level>;
  /** Resolves once Redis answers; rejects with the reason when it does not within the command timeout. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
