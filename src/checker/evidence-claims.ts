import { type Claim, MEASURES, makeClaim } from './claim.ts';
import { HEADROOM_AT_MOST } from './headroom-facts.ts';

/**
 * A claim on correctness says little where little was seen, so it brings these with it, each unless one on the same measure
 * is given for the whole run: buckets were contested, half of the requests have a reply, some were decided, and what the
 * median contested bucket could have admitted unseen is small.
 */
export function withEvidence(
  claims: readonly Claim[],
  headroomAtMost: number = HEADROOM_AT_MOST.run,
): readonly Claim[] {
  if (!claims.some(isOnCorrectness)) return claims;
  const wanted = [
    makeClaim({ measure: 'contested', unit: 'count', limit: 1 }),
    makeClaim({ measure: 'info', unit: 'share', limit: 0.5 }),
    makeClaim({ measure: 'failed', unit: 'share', limit: FAILED_AT_MOST }),
    makeClaim({ measure: 'headroom', unit: 'share', limit: headroomAtMost, ifAny: true }),
  ];
  const isGiven = ({ measure }: Claim) =>
    claims.some((claim) => claim.measure === measure && claim.phase === undefined);
  return [...claims, ...wanted.filter((claim) => !isGiven(claim))];
}

/** Of a limiter that is not ours the evidence has to be sharper. */
export function headroomAtMostOf(strategy: string): number {
  return strategy === 'external' ? HEADROOM_AT_MOST.audit : HEADROOM_AT_MOST.run;
}

/** What a claim on correctness brings, as a help says it. */
export const EVIDENCE_BROUGHT =
  'contested >= 1, info <= 50%, failed <= 90% and headroom <= 50%, of a --target headroom <= 25%';

/** Where nearly everything failed, nearly nothing was decided. */
export const FAILED_AT_MOST = 0.9;

export function isOnCorrectness({ measure }: Pick<Claim, 'measure'>): boolean {
  return MEASURES[measure].kind === 'correctness';
}
