import { withVerdict } from '../checker/check.ts';
import { parseClaim } from '../checker/claim.ts';
import type { RunReport } from './report.ts';

/** Judges a kept run again: by its own claims and these. Throws INVALID_CLAIM. */
export function judgeAgain(report: RunReport, extra: readonly string[]): RunReport {
  const claims = [...report.plan.claims, ...extra].map(parseClaim);
  const different = claims.filter(
    ({ text }, at) => claims.findIndex((earlier) => earlier.text === text) === at,
  );
  return { ...report, ...withVerdict(report, different) };
}
