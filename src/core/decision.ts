import type { Charge, ErrorCode } from './errors.ts';
import type { Stated } from './stated.ts';

/**
 * Where the decision was made: `redis` in the bucket in Redis, `lease` in memory by borrowed tokens, `local` in memory
 * because the last denial proves this one, `fallback` by the failure policy.
 */
export type DecisionSource = 'redis' | 'lease' | 'local' | 'fallback';

/**
 * How a decision was made, for the checker. `atUs` is the deciding server's time and `bucketUs` the bucket's own time, in
 * microseconds since 1970. `levelQuanta` is the level after the decision. Unknown values are absent.
 */
export interface Evidence {
  readonly strategy: string;
  readonly node: string;
  readonly source: DecisionSource;
  readonly atUs?: number;
  readonly bucketUs?: number;
  readonly levelQuanta?: number;
  /** With a bucket for each region: the greatest age of the data of any other region. Microseconds. */
  readonly ageUs?: number;
  /**
   * With source `fallback`: whether Redis may also charge the take. `possible` has no time limit, since the request may
   * still arrive. Absent: unknown.
   */
  readonly charge?: Charge;
}

/** The result of one policy in a decision by several policies. */
export interface PolicyDecision {
  readonly policy: string;
  /** Whole tokens left after the decision. */
  readonly remainingTokens: number;
  readonly levelQuanta: number;
  /** Time until this policy's bucket holds its cost; 0 if it does. Microseconds. */
  readonly retryAfterUs: number;
}

/** The result of one take. Values that a strategy does not know are absent. */
export interface Decision {
  readonly allowed: boolean;
  /** Whole tokens left after the decision; with several policies, the fewest. */
  readonly remainingTokens?: number;
  /** Time until the bucket holds the cost, 0 if allowed; with several policies, the longest. Microseconds. */
  readonly retryAfterUs?: number;
  readonly evidence: Evidence;
  /** The result of each policy, if the limiter has several. */
  readonly policies?: readonly PolicyDecision[];
  /** This is the stored admission of this decision id; no more tokens were charged. */
  readonly isRemembered?: true;
  /** What a plug-in states itself, not rounded as headers are. */
  readonly stated?: Stated;
  /** The error code because of which a failure policy decided. */
  readonly undecided?: ErrorCode;
  /** In shadow mode, which allows every take: the result that was replaced, `denied` or an error code. */
  readonly shadow?: 'denied' | ErrorCode;
}

/**
 * Writes evidence as a structured-field dictionary (RFC 9651), the value of the `openclaw-decision` header.
 * Times are strings: an integer of structured fields has 15 digits, microseconds since 1970 have 16.
 */
export function formatEvidence(evidence: Evidence): string {
  const { strategy, node, source, atUs, bucketUs, levelQuanta, ageUs, charge } = evidence;
  let fields = `strategy=${text(strategy)}, node=${text(node)}, source=${source}`;
  if (atUs !== undefined) fields += `, at="${atUs}"`;
  if (bucketUs !== undefined) fields += `, bucket="${bucketUs}"`;
  if (levelQuanta !== undefined) fields += `, level="${levelQuanta}"`;
  if (ageUs !== undefined) fields += `, age="${ageUs}"`;
  if (charge !== undefined) fields += `, charge=${charge}`;
  return fields;
}

/** Parses the output of `formatEvidence`; undefined for any other text. A number beyond 2^53 is left out. */
export function parseEvidence(header: string): Evidence | undefined {
  const [, strategy, node, source, at, bucket, level, age, charge] = WRITTEN.exec(header) ?? [];
  if (strategy === undefined || node === undefined || source === undefined) return undefined;
  const evidence: Writable<Evidence> = { strategy, node, source: source as DecisionSource };
  setNumber(evidence, 'atUs', at);
  setNumber(evidence, 'bucketUs', bucket);
  setNumber(evidence, 'levelQuanta', level);
  setNumber(evidence, 'ageUs', age);
  if (charge !== undefined) evidence.charge = charge as Charge;
  return evidence;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Spreads of objects that may be empty cost more than the expression below. */
function setNumber(
  evidence: Writable<Evidence>,
  name: 'atUs' | 'bucketUs' | 'levelQuanta' | 'ageUs',
  digits: string | undefined,
): void {
  const value = Number(digits);
  if (Number.isSafeInteger(value)) evidence[name] = value;
}

/** One expression, since the load reads thousands a second: a search for each field took six times as long. */
const WRITTEN =
  /^strategy="([^"]*)", node="([^"]*)", source=(redis|lease|local|fallback)(?:, at="(\d+)")?(?:, bucket="(\d+)")?(?:, level="(-?\d+)")?(?:, age="(\d+)")?(?:, charge=(none|possible))?$/;

/** What the header carries of evidence, without writing it where it carries all. */
export function carriedEvidence(evidence: Evidence): Evidence | undefined {
  const { strategy, node, atUs, bucketUs, levelQuanta, ageUs } = evidence;
  const isWhole =
    isCarried(atUs) &&
    isCarried(bucketUs) &&
    isCarried(levelQuanta) &&
    isCarried(ageUs) &&
    PLAIN.test(strategy) &&
    PLAIN.test(node);
  return isWhole ? evidence : parseEvidence(formatEvidence(evidence));
}

function isCarried(value: number | undefined): boolean {
  return value === undefined || (Number.isSafeInteger(value) && value >= 0);
}

const PLAIN = /^[\w.:-]*$/;

/** A structured-field string: printable ASCII; other characters, quotes and backslashes become `?`. */
function text(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]|["\\]/g, '?')}"`;
}
