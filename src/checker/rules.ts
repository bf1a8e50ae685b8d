import type { DeclaredBound, Episodes } from '../core/bound.ts';
import type { Policy } from '../core/policy.ts';
import type { LogReading } from '../history/log-reading.ts';
import { type Claim, DROPPED_AT_MOST, makeClaim } from './claim.ts';
import type { ClockSlackRule } from './clock-grant.ts';
import { FAILED_AT_MOST, withEvidence } from './evidence-claims.ts';
import type { Promised } from './promise.ts';

/** What a run is held against. */
export interface EvidenceRules {
  /** The buckets that the plan expects to be busiest. */
  readonly busiest: readonly string[];
  /** What went wrong while it was recorded, as sentences: with any of them it is `unknown` at best. */
  readonly troubles?: readonly string[];
  /** What the run claims; without, what is claimed of any history by the limits below. */
  readonly claims?: readonly Claim[];
  /** What the strategy declares for the buckets of one shard; no claim on `bound` can be judged without. */
  readonly boundOf?: (policy: Policy, episodes: Episodes) => DeclaredBound | undefined;
  /** The least share of the busiest that must be contested, 0 to 1. */
  readonly contestedAtLeast?: number;
  /** The least number of contested buckets, whichever they are; with 0, none needs a small headroom either. */
  readonly contestedBucketsAtLeast?: number;
  /** The largest share of operations whose reply may be missing, 0 to 1. */
  readonly infoAtMost?: number;
  /** The largest share of its capacity that the median contested bucket may have admitted without being seen, 0 to 1. */
  readonly headroomAtMost?: number;
  /** What the limiter claims to enforce; a token bucket without. */
  readonly promise?: Promised;
  /** How many false denials the strategy declares: one that splits its tokens denies while they lie elsewhere. */
  readonly falseDenialsAtMost?: number;
  /** What the limiter is granted for its clock; what the history says without. */
  readonly clockSlack?: ClockSlackRule;
  /** Requests that were open when the recording ended are absent, as in any access log. */
  readonly openAtEndMissing?: boolean;
  /** What reading the history took for granted, as sentences. */
  readonly assumptions?: readonly string[];
  /** Of a log that others wrote. */
  readonly reading?: LogReading;
  /** What a reader of the verdict should know beside, as sentences. */
  readonly notes?: readonly string[];
  /** How many of them one bucket can have had at most; without, ten times the most that were in flight at once. */
  readonly openAtEndAtMost?: number;
  /** No request was open when the recording ended, though it does not say so itself. */
  readonly isComplete?: boolean;
  /** A log of requests without costs: it would not say what was given back, and nothing is taken to have been. */
  readonly withoutRefunds?: boolean;
}

/** The claims of the rules: their own, or what any limiter of that promise claims, under an open load or a closed one. */
export function claimsOf(rules: EvidenceRules, { isOpen }: { isOpen: boolean }): readonly Claim[] {
  if (rules.claims !== undefined) return withEvidence(rules.claims, rules.headroomAtMost);
  const { contestedAtLeast = 0, contestedBucketsAtLeast, infoAtMost = 1, headroomAtMost } = rules;
  const isBucket = (rules.promise?.type ?? 'token-bucket') === 'token-bucket';
  const share = (limit: number) => ({ unit: 'share' as const, limit });
  const atLeast = (unit: 'share' | 'count', limit: number | undefined) =>
    limit === undefined || limit === 0 ? [] : [makeClaim({ measure: 'contested', unit, limit })];
  return [
    ...(isBucket ? bucketClaims(rules) : windowClaims(rules)),
    makeClaim({ measure: 'info', ...share(infoAtMost) }),
    makeClaim({ measure: 'failed', ...share(FAILED_AT_MOST) }),
    ...(isOpen ? [makeClaim({ measure: 'dropped', ...share(DROPPED_AT_MOST) })] : []),
    ...atLeast('share', contestedAtLeast),
    ...atLeast('count', contestedBucketsAtLeast),
    ...(headroomAtMost === undefined || contestedBucketsAtLeast === 0
      ? []
      : [makeClaim({ measure: 'headroom', ...share(headroomAtMost), ifAny: true })]),
  ];
}

function windowClaims(rules: EvidenceRules): Claim[] {
  return [makeClaim({ measure: 'windows', unit: 'count', limit: 0 }), denialClaim(rules)];
}

function denialClaim({ falseDenialsAtMost = 0 }: EvidenceRules): Claim {
  return makeClaim({ measure: 'false-denials', unit: 'count', limit: falseDenialsAtMost, ifAny: true });
}

function bucketClaims(rules: EvidenceRules): Claim[] {
  return [
    makeClaim({ measure: 'total-excess', unit: 'tokens', limit: 0 }),
    denialClaim(rules),
    makeClaim({ measure: 'replay', unit: 'count', limit: 0, ifAny: true }),
  ];
}
