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

/** Where nearly everything failed, nearly nothing was decided. */
export const FAILED_AT_MOST = 0.9;

export function isOnCorrectness({ measure }: Pick<Claim, 'measure'>): boolean {
  return MEASURES[measure].kind === 'correctness';
}
