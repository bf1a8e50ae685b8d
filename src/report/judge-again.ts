import { withVerdict } from '../checker/check.ts';
import { parseClaim } from '../checker/claims/claim.ts';
import {
  headroomAtMostOf,
  isOnCorrectness,
  sharingSides,
  withEvidence,
} from '../checker/claims/evidence-claims.ts';
import { NOT_CHECKED } from '../checker/findings/notes.ts';
import { asksAnything } from '../scenario/planned.ts';
import type { RunReport } from './report.ts';

/**
 * Judges a kept run again by the claims that it was judged by, and by `extra` with their evidence claims. What the run noted stays, but for
 * the note on its claims. Throws INVALID_CLAIM.
 */
export function judgeAgain({ notes: noted = [], ...report }: RunReport, extra: readonly string[]): RunReport {
  const own = report.claims.map(({ claim }) => parseClaim(claim));
  const added = extra.map(parseClaim);
  const all = [...own, ...added];
  const { strategy } = report.plan;
  const { regions } = report.plan.topology;
  const planned = regions.length * (report.plan.instances ?? 1);
  const sides = sharingSides(strategy, report.sides?.count ?? planned);
  const asks = report.exercises === undefined ? asksAnything(report.plan) : report.exercises.length > 0;
  const claims = added.some(isOnCorrectness)
    ? withEvidence(all, { sides, asks, headroomAtMost: headroomAtMostOf(strategy) })
    : all;
  const different = claims.filter(
    ({ text }, at) => claims.findIndex((earlier) => earlier.text === text) === at,
  );
  const judged = withVerdict(report, different);
  const notes = [...(judged.notes ?? []), ...noted.filter((note) => note !== NOT_CHECKED)];
  return { ...report, ...judged, ...(notes.length > 0 && { notes }) };
}
