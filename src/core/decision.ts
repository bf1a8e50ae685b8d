import type { Charge, ErrorCode } from './errors.ts';

/**
 * Who decided: the shared bucket in Redis, a lease held in memory, what this process remembers of a bucket that is
 * certainly still too empty, or the failure policy.
 */
export type DecisionSource = 'redis' | 'lease' | 'local' | 'fallback';

/**
 * Who decided and when, for the checker. Times are the deciding server's, in microseconds; `levelQuanta` is
 * the level after the decision. A strategy that does not read the server's clock leaves them out.
 */
export interface Evidence {
  readonly strategy: string;
  readonly node: string;
  readonly source: DecisionSource;
  readonly atUs?: number;
  readonly bucketUs?: number;
  readonly levelQuanta?: number;
  /** Where regions decide side by side: how old what is known of any other region was, at most. Microseconds. */
  readonly ageUs?: number;
  /**
   * Of the source `fallback`: whether the store may charge the take all the same. `possible` has no end: the request can
   * still be on its way. Without, it is not known.
   */
  readonly charge?: Charge;
}

/** The part of a decision that one of several policies has in it. */
export interface PolicyDecision {
  readonly policy: string;
  /** Whole tokens left after the decision. */
  readonly remainingTokens: number;
  readonly levelQuanta: number;
  /** Until this policy's bucket holds its cost; 0 if it does. */
  readonly retryAfterUs: number;
}

/** The answer to one take. What a strategy cannot know is absent, never guessed. */
export interface Decision {
  readonly allowed: boolean;
  /** Whole tokens left after the decision; of several policies, the fewest. */
  readonly remainingTokens?: number;
  /** Until the bucket holds the cost, if it was denied; of several policies, the longest. */
  readonly retryAfterUs?: number;
  readonly evidence: Evidence;
  /** Each policy's part, where several decide together. */
  readonly policies?: readonly PolicyDecision[];
  /** The first admission by this decision id, told again: nothing more was charged. */
  readonly isRemembered?: true;
  /** Why the store did not decide, where a failure policy answered instead. */
  readonly undecided?: ErrorCode;
  /** In shadow mode, which allows everything: what the answer would have been. */
  readonly shadow?: 'denied' | ErrorCode;
}

/**
 * Writes evidence as a structured-field dictionary (RFC 9651), the value of the `openclaw-decision` header.
 * Times are strings: an integer of structured fields has 15 digits, microseconds since 1970 have 16.
 */
export function formatEvidence(evidence: Evidence): string {
  const fields = [
    `strategy=${text(evidence.strategy)}`,
    `node=${text(evidence.node)}`,
    `source=${evidence.source}`,
  ];
  if (evidence.atUs !== undefined) fields.push(`at="${evidence.atUs}"`);
  if (evidence.bucketUs !== undefined) fields.push(`bucket="${evidence.bucketUs}"`);
  if (evidence.levelQuanta !== undefined) fields.push(`level="${evidence.levelQuanta}"`);
  if (evidence.ageUs !== undefined) fields.push(`age="${evidence.ageUs}"`);
  if (evidence.charge !== undefined) fields.push(`charge=${evidence.charge}`);
  return fields.join(', ');
}

/** Reads what `formatEvidence` wrote; undefined for anything else. A number beyond 2^53 is left out. */
export function parseEvidence(header: string): Evidence | undefined {
  const [, strategy, node, source, at, bucket, level, age, charge] = WRITTEN.exec(header) ?? [];
  if (strategy === undefined || node === undefined || source === undefined) return undefined;
  const [atUs, bucketUs, levelQuanta, ageUs] = [at, bucket, level, age].map(Number);
  return {
    strategy,
    node,
    source: source as DecisionSource,
    ...(Number.isSafeInteger(atUs) ? { atUs } : undefined),
    ...(Number.isSafeInteger(bucketUs) ? { bucketUs } : undefined),
    ...(Number.isSafeInteger(levelQuanta) ? { levelQuanta } : undefined),
    ...(Number.isSafeInteger(ageUs) ? { ageUs } : undefined),
    ...(charge === undefined ? undefined : { charge: charge as Charge }),
  };
}

/** One expression, since the load reads thousands a second: a search for each field took six times as long. */
const WRITTEN =
  /^strategy="([^"]*)", node="([^"]*)", source=(redis|lease|local|fallback)(?:, at="(\d+)")?(?:, bucket="(\d+)")?(?:, level="(-?\d+)")?(?:, age="(\d+)")?(?:, charge=(none|possible))?$/;

/** A structured-field string holds printable ASCII only; quotes and backslashes are left out as well. */
function text(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]|["\\]/g, '?')}"`;
}
