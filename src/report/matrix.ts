import type { ShardFacts } from '../checker/shards/shard.ts';
import { type Verdict, worst } from '../core/verdict.ts';
import type { Plan } from '../scenario/plan.ts';
import { groupsOf } from '../topology/pairs.ts';
import { type CellRun, isWantedRun, type WantedRun } from './cell-run.ts';
import type { RunReport } from './report.ts';
import { decidedShare, slowestAdmissions } from './run-figures.ts';

/** The result of a strategy in a scenario. */
export interface MatrixCell {
  readonly scenario: string;
  readonly strategy: string;
  /**
   * `within`: measured at most the bound. `above`: more. `undeclared`: the strategy declares no bound for these faults.
   * `unknown`: too little evidence. `refused`: this strategy cannot run that scenario; there are no figures.
   */
  readonly status: 'within' | 'above' | 'undeclared' | 'unknown' | 'refused';
  /** The reason for missing figures or too little evidence; else empty. */
  readonly reason: string;
  readonly figures: MatrixFigures | null;
  /** Makes the run again. */
  readonly command: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Provider and server, for people. */
  readonly system: string;
  readonly simulated?: true;
}

export interface MatrixFigures {
  /**
   * Of the shard furthest beyond its bound; else the largest without a declared bound; else the largest of all. The one
   * closest to its bound would be 0 of 0 of a shard to which nothing happened.
   */
  readonly excess: Excess;
  readonly falseDenials: { readonly total: number; readonly judged: number };
  /** By side of the partition, while it lasts; without one, of all regions over the whole load. */
  readonly availability: readonly Side[];
  /** Of admissions in the slowest region. Microseconds; null without admissions. */
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly redisCallsPerDecision: number | null;
  readonly requests: number;
}

/** Tokens of one bucket. A strategy bounds its total or its worst window; null if it declares no bound. */
export interface Excess {
  readonly of: 'total' | 'window';
  readonly measured: number;
  readonly declared: number | null;
}

export interface Side {
  readonly regions: readonly string[];
  /** The share of requests that were decided: 0 to 1; null without requests. */
  readonly share: number | null;
}

/** The results of the strategies in the scenarios. */
export interface Matrix {
  readonly format: 'openclaw-matrix';
  readonly version: 1;
  readonly program: string;
  readonly command: string;
  readonly seeds: readonly number[];
  readonly cells: readonly MatrixCell[];
}

/** The figures of a run as a cell of the matrix. */
export function makeCell(report: RunReport): MatrixCell {
  const { plan, verdict, command, startedAt, system } = report;
  const excess = findExcess(report);
  const status =
    excess.declared === null ? 'undeclared' : excess.measured > excess.declared ? 'above' : 'within';
  const isUnknown = status !== 'above' && verdict === 'unknown';
  return {
    ...{ scenario: plan.scenario, strategy: plan.strategy, command, startedAt, system },
    ...(report.simulated && { simulated: true }),
    status: isUnknown ? 'unknown' : status,
    reason: isUnknown ? (whyUnknown(report) ?? '') : '',
    figures: {
      excess,
      falseDenials: { total: report.falseDenials.total, judged: report.falseDenials.judged },
      availability: sidesOf(plan).map((regions) => ({ regions, share: decidedShare(report, regions) })),
      p50Us: slowestAdmissions(report, 'p50Us'),
      p99Us: slowestAdmissions(report, 'p99Us'),
      redisCallsPerDecision: callsOf(report),
      requests: report.sent,
    },
  };
}

/** The cell of a strategy that cannot run the scenario. */
export function refusedCell(
  scenario: string,
  { strategy, reason }: { readonly strategy: string; readonly reason: string },
): MatrixCell {
  const nothing = { command: '', startedAt: '', system: '' };
  return { scenario, strategy, status: 'refused', reason, figures: null, ...nothing };
}

/**
 * The cell of a kept run of the same program and plan, simulated or not as is wanted. Undefined if the plan has to be run: there is no such run, or it
 * had too little evidence and `again` is set.
 */
export function keptCell(
  kept: CellRun | undefined,
  { again, ...wanted }: WantedRun & { readonly again: boolean },
): MatrixCell | undefined {
  if (kept === undefined || !isWantedRun(kept, wanted)) return undefined;
  const cell = makeCell(kept.report);
  return again && cell.status === 'unknown' ? undefined : cell;
}

/** The evidence claims of a scenario. Its correctness claims are for its own strategy; a cell is judged by bounds. */
export function evidenceClaims({ claims }: Plan): readonly string[] {
  return claims.filter((claim) => /^\s*(contested|headroom|info|failed|dropped)\b/.test(claim));
}

/** The most severe verdict of the runs: `fail` above a bound, `unknown` without enough evidence or without any run. */
export function matrixVerdict(cells: readonly MatrixCell[]): Verdict {
  return worst(cells.flatMap(({ status }) => (status === 'refused' ? [] : VERDICTS[status])));
}

const VERDICTS = { within: 'pass', undeclared: 'pass', above: 'fail', unknown: 'unknown' } as const;

/** What went wrong in a run comes before what it lacks, of which it may be the cause. Undefined if neither is unknown. */
export function whyUnknown({ accounts, claims }: Pick<RunReport, 'accounts' | 'claims'>): string | undefined {
  return [...accounts, ...claims].find(({ verdict }) => verdict === 'unknown')?.reason;
}

/** Of the shard furthest beyond its bound; else the largest without a declared bound; else the largest of all. */
export function findExcess({ shards, overAdmission }: Pick<RunReport, 'shards' | 'overAdmission'>): Excess {
  const all = shards.flatMap(measuredAndDeclared);
  const beyond = ({ measured, declared }: Excess) =>
    declared === null ? 0 : Math.max(0, measured - declared);
  const isUndeclared = ({ declared }: Excess) => Number(declared === null);
  const [worst] = all.sort(
    (one, other) =>
      beyond(other) - beyond(one) ||
      isUndeclared(other) - isUndeclared(one) ||
      other.measured - one.measured ||
      (other.declared ?? 0) - (one.declared ?? 0),
  );
  return worst ?? { of: 'total', measured: overAdmission.largestExcess, declared: null };
}

function measuredAndDeclared({ bound, largestExcess, worstWindow }: ShardFacts): Excess[] {
  if (bound === undefined) return [{ of: 'total', measured: largestExcess.tokens, declared: null }];
  const { totalExcess, worstWindow: ofWindow } = bound;
  if (totalExcess !== null) return [{ of: 'total', measured: largestExcess.tokens, declared: totalExcess }];
  return [{ of: 'window', measured: worstWindow.tokens, declared: ofWindow }];
}

/** The sides of a partition: each is a set of regions that still reach each other. Without one, all are one side. */
function sidesOf({ topology: { regions }, faults }: Plan): readonly (readonly string[])[] {
  const cut = faults.find((fault) => fault.fault === 'partition' || fault.fault === 'flap');
  if (cut === undefined) return [regions];
  const named = groupsOf(cut);
  const rest = regions.filter((region) => !named.some((side) => side.includes(region)));
  return rest.length === 0 ? named : [...named, rest];
}

/** Redis calls per decision; null if unknown or without decisions. */
export function callsOf({ redisCalls, outcomes }: RunReport): number | null {
  const decisions = outcomes.allowed + outcomes.denied;
  return redisCalls === undefined || decisions === 0 ? null : redisCalls / decisions;
}
