import type { Finding } from '../checker/findings/finding.ts';

/** The findings to show with their proofs: so many, and at least one of each reason. */
export function shownOf<F extends Pick<Finding, 'reason'>>(
  findings: readonly F[],
  most: number,
): readonly F[] {
  return findings.slice(0, Math.max(most, new Set(findings.map(({ reason }) => reason)).size));
}
