import { EXTERNAL, traitsOf } from '../../core/strategies.ts';
import { HEADROOM_AT_MOST } from '../evidence/headroom-facts.ts';
import { type Claim, makeClaim } from './claim.ts';
import { MEASURES } from './claim-list.ts';

/**
 * Adds the evidence that a correctness claim needs: a contested bucket, sides that all count together if there are several,
 * replies to half of the requests, decided requests, and a small headroom of the median contested bucket. Existing claims
 * on the same measure of the whole run are kept.
 */
export function withEvidence(
  claims: readonly Claim[],
  { sides, asks, headroomAtMost = HEADROOM_AT_MOST.run }: EvidenceAsked,
): readonly Claim[] {
  if (!claims.some(isOnCorrectness)) return claims;
  const wanted = [
    makeClaim({ measure: 'contested', unit: 'count', limit: 1 }),
    ...sidesClaims(sides),
    ...exercisedClaims(asks),
    makeClaim({ measure: 'info', unit: 'share', limit: 0.5 }),
    makeClaim({ measure: 'failed', unit: 'share', limit: FAILED_AT_MOST }),
    makeClaim({ measure: 'headroom', unit: 'share', limit: headroomAtMost, ifAny: true }),
  ];
  const isGiven = ({ measure }: Claim) =>
    claims.some((claim) => claim.measure === measure && claim.phase === undefined);
  return [...claims, ...wanted.filter((claim) => !isGiven(claim))];
}

/** What the evidence has to be of. */
interface EvidenceAsked {
  readonly sides: number;
  /** Whether the load asks for costs, policies, rests, or a return after a fault. */
  readonly asks: boolean;
  readonly headroomAtMost?: number | undefined;
}

/** How many of the sides have to count together: none if each region has a bucket of its own. */
export function sharingSides(strategy: string, sides: number): number {
  return traitsOf(strategy).perRegionBucket ? 0 : sides;
}

/** The claim that all sides count together, if there are several. */
export function sidesClaims(sides: number): readonly Claim[] {
  return sides < 2 ? [] : [makeClaim({ measure: 'sides', unit: 'share', limit: 1 })];
}

/** The claim that all that the load asks was seen to matter, if it asks anything. */
export function exercisedClaims(asks: boolean): readonly Claim[] {
  return asks ? [makeClaim({ measure: 'exercised', unit: 'share', limit: 1 })] : [];
}

/** The limit of the headroom. A foreign limiter needs sharper evidence than a strategy of ours. */
export function headroomAtMostOf(strategy: string): number {
  return strategy === EXTERNAL ? HEADROOM_AT_MOST.audit : HEADROOM_AT_MOST.run;
}

/** The claims that a correctness claim adds, for a help text. */
export const EVIDENCE_BROUGHT = evidenceBrought('headroom <= 50% (headroom <= 25% with --target)');

/** The same with this claim on the headroom. */
export function evidenceBrought(headroom: string): string {
  return `contested >= 1, sides >= 100% (where there are several), exercised >= 100% (where the load asks anything), info <= 50%, failed <= 90% and ${headroom}`;
}

/** The largest share of requests that may fail before the run proves too little. */
export const FAILED_AT_MOST = 0.9;

export function isOnCorrectness({ measure }: Pick<Claim, 'measure'>): boolean {
  return MEASURES[measure].kind === 'correctness';
}
