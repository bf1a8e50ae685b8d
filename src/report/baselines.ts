import { formatMeasured } from '../checker/claims/claim-limit.ts';
import { MEASURES } from '../checker/claims/claim-list.ts';
import { measureClaim } from '../checker/claims/measure-claim.ts';
import type { RelativeClaim } from '../checker/claims/relative-claim.ts';
import { count } from '../core/units.ts';
import { differencesOf } from './comparable.ts';
import type { RunReport } from './report.ts';
import { ratioText } from './text.ts';

/** A run judged by its speed relative to other runs, its baselines. */
export interface Baselines {
  /** The folders of the runs with the same policy, topology, load and faults. */
  readonly runs: readonly string[];
  readonly leftOut: readonly { readonly folder: string; readonly why: string }[];
  readonly claims: readonly RelativeResult[];
}

export interface RelativeResult {
  readonly claim: string;
  readonly status: 'holds' | 'broken' | 'unknown';
  /** Microseconds, or requests per second; null if there was nothing to measure. */
  readonly measured: number | null;
  /** Of the baselines that have a value, in the same unit. */
  readonly median: number | null;
  /** The slowest of them. */
  readonly worst: number | null;
  readonly reason: string;
}

/**
 * Judges a run against its baselines. Two runs of one limiter differ, so a claim is broken only if the run is slower
 * than every baseline, and also slower than their median by more than the factor. Of n baselines alike, a run is slower
 * than all by chance once in n + 1 times.
 */
export function judgeBaselines(
  claims: readonly RelativeClaim[],
  run: RunReport,
  others: readonly RunReport[],
): Baselines {
  const seen = others.map((report, at) => ({ report, why: whyNoBaseline(report, run, others.slice(0, at)) }));
  const alike = seen.filter(({ why }) => why === '').map(({ report }) => report);
  return {
    runs: alike.map(({ folder }) => folder),
    leftOut: seen.flatMap(({ report, why }) => (why === '' ? [] : [{ folder: report.folder, why }])),
    claims: claims.map((claim) => judgeClaim(claim, run, alike)),
  };
}

/** Empty if it is one. A run is no slower than itself, and a copy of a baseline says nothing more of noise. */
function whyNoBaseline(report: RunReport, run: RunReport, before: readonly RunReport[]): string {
  if (isSameRun(report, run)) return 'it is the run itself';
  if (before.some((other) => isSameRun(other, report))) return 'it is given twice';
  const differences = differencesOf(report.plan, run.plan);
  if (report.simulated !== run.simulated)
    differences.push(report.simulated ? 'it was simulated' : 'it was not simulated');
  return differences.join(', ');
}

/** Also of a copy of its folder. */
function isSameRun(one: RunReport, other: RunReport): boolean {
  const keyOf = ({ startedAt, plan: { scenario, seed, strategy } }: RunReport) =>
    [startedAt, scenario, seed, strategy].join();
  return keyOf(one) === keyOf(other);
}

function judgeClaim(claim: RelativeClaim, run: RunReport, baselines: readonly RunReport[]): RelativeResult {
  const { text, measure, unit, factor, phase } = claim;
  const isMost = MEASURES[measure].operator === '<=';
  const { measured, about, missing } = worstSample(claim, run);
  const values = baselines.flatMap((report) => {
    const sample = worstSample(claim, report);
    return sample.missing === undefined ? (sample.measured ?? []) : [];
  });
  const sorted = values.toSorted((a, b) => a - b);
  const [median, worst] = [medianOf(sorted), isMost ? sorted.at(-1) : sorted[0]];
  const result = { claim: text, measured: measured ?? null, median: median ?? null, worst: worst ?? null };
  const unknown = (why: string) => ({ ...result, status: 'unknown' as const, reason: `${text}: ${why}` });
  if (measured === undefined) return unknown(about);
  if (median === undefined || worst === undefined || median === 0)
    return unknown(
      baselines.length === 0
        ? 'no other run before it has the same policy, topology, load and faults'
        : 'no baseline has a value above 0 for this measure',
    );
  const slower = (other: number) => (isMost ? measured > other : measured < other);
  const show = (value: number) => formatMeasured({ unit, limit: value });
  const compared =
    `${about}${phase === undefined ? '' : ` ${phase}`}, ${ratioText(measured / median)} times the ` +
    `${values.length === 1 ? 'baseline' : `median of ${count(values.length, 'baseline')}`} (${show(median)})`;
  const most = `${isMost ? 'at most' : 'at least'} ${factor}x`;
  const isBroken = slower(factor * median) && slower(worst);
  if (!isBroken && missing !== undefined) return unknown(missing);
  if (!slower(factor * median)) return { ...result, status: 'holds', reason: `${compared}; ${most}` };
  if (!isBroken)
    return {
      ...result,
      status: 'holds',
      reason: `${compared}; ${most}, but the slowest baseline was no faster (${show(worst)})`,
    };
  const each = values.length === 1 ? '' : `, slower than each of them (${show(worst)})`;
  return { ...result, status: 'broken', reason: `${compared}${each}; claimed ${most}` };
}

/** Of the phases with this name, the slowest; `missing`: why one of them has no value. */
function worstSample({ factor, ...claim }: RelativeClaim, run: RunReport) {
  const samples = measureClaim({ ...claim, limit: factor }, run);
  const isMost = MEASURES[claim.measure].operator === '<=';
  const missing = samples.find(({ measured }) => measured === undefined)?.about;
  const { measured, about } = samples.reduce((one, other) => {
    if (one.measured === undefined || other.measured === undefined)
      return one.measured === undefined ? other : one;
    return (isMost ? other.measured > one.measured : other.measured < one.measured) ? other : one;
  });
  return { measured, about, missing };
}

function medianOf(sorted: readonly number[]): number | undefined {
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
