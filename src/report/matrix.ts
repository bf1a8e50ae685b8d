import type { ShardFacts } from '../checker/shard.ts';
import type { PartitionShape } from '../scenario/fault-spec.ts';
import type { Plan } from '../scenario/plan.ts';
import type { RunReport } from './report.ts';

/** What a strategy did in a scenario. */
export interface MatrixCell {
  readonly scenario: string;
  readonly strategy: string;
  /**
   * `within`: measured at most what is declared. `above`: more. `undeclared`: the strategy declares nothing for what
   * happened. `unknown`: too little evidence. `refused`: this strategy cannot be in that scenario; there are no figures.
   */
  readonly status: 'within' | 'above' | 'undeclared' | 'unknown' | 'refused';
  /** Why there are no figures, or too little evidence; else empty. */
  readonly reason: string;
  readonly figures: MatrixFigures | null;
  /** Makes the run again. */
  readonly command: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Provider and server, for people. */
  readonly system: string;
}

export interface MatrixFigures {
  /** Of the shard that went furthest beyond its bound; else the largest where nothing was declared; else the largest. */
  readonly excess: Excess;
  readonly falseDenials: { readonly total: number; readonly judged: number };
  /** By side of what was cut, while it was cut; of all regions and the whole load where nothing was. */
  readonly availability: readonly Side[];
  /** Of admissions, in the region where it was longest. Microseconds; null where there were none. */
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly redisCallsPerDecision: number | null;
  readonly requests: number;
}

/** Tokens of one bucket. A strategy declares its total or its worst window; `declared` null is nothing. */
export interface Excess {
  readonly of: 'total' | 'window';
  readonly measured: number;
  readonly declared: number | null;
}

export interface Side {
  readonly regions: readonly string[];
  /** Decided, of what was asked: 0 to 1; null where nothing was. */
  readonly share: number | null;
}

/** What the strategies did in the scenarios. */
export interface Matrix {
  readonly format: 'openclaw-matrix';
  readonly version: 1;
  readonly program: string;
  readonly command: string;
  readonly seeds: readonly number[];
  readonly cells: readonly MatrixCell[];
}

/** The figures of a run, put beside each other. */
export function cellOf(report: RunReport): MatrixCell {
  const { plan, verdict, claims, accounts, command, startedAt, system } = report;
  const unproved = [...claims, ...accounts].find((one) => one.verdict === 'unknown');
  const excess = excessOf(report);
  const status =
    excess.declared === null ? 'undeclared' : excess.measured > excess.declared ? 'above' : 'within';
  const isUnknown = status !== 'above' && verdict === 'unknown';
  return {
    ...{ scenario: plan.scenario, strategy: plan.strategy, command, startedAt, system },
    status: isUnknown ? 'unknown' : status,
    reason: isUnknown ? (unproved?.reason ?? '') : '',
    figures: {
      excess,
      falseDenials: { total: report.falseDenials.total, judged: report.falseDenials.judged },
      availability: sidesOf(plan).map((regions) => ({ regions, share: shareOf(report, regions) })),
      p50Us: longest(report, 'p50Us'),
      p99Us: longest(report, 'p99Us'),
      redisCallsPerDecision: callsOf(report),
      requests: report.sent,
    },
  };
}

/** A strategy that was refused in a scenario, and why. */
export function refusedCell(
  scenario: string,
  { strategy, reason }: { readonly strategy: string; readonly reason: string },
): MatrixCell {
  const nothing = { command: '', startedAt: '', system: '' };
  return { scenario, strategy, status: 'refused', reason, figures: null, ...nothing };
}

/** Of the shard furthest beyond its bound; else the largest where nothing was declared; else the largest of all. */
function excessOf({ shards, overAdmission }: RunReport): Excess {
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

/** What a cut parts: each side is the regions that still reach each other. Without a cut all are one. */
function sidesOf({ topology: { regions }, faults }: Plan): readonly (readonly string[])[] {
  const cut = faults.find((fault) => fault.fault === 'partition' || fault.fault === 'flap');
  if (cut === undefined) return [regions];
  const named = namedBy(cut);
  const rest = regions.filter((region) => !named.some((side) => side.includes(region)));
  return rest.length === 0 ? named : [...named, rest];
}

function namedBy(shape: PartitionShape): readonly (readonly string[])[] {
  if ('isolate' in shape) return [shape.isolate];
  if ('split' in shape) return shape.split;
  if ('bridge' in shape) return shape.bridge.map((region) => [region]);
  return [shape.from, shape.to];
}

function shareOf({ cells, plan }: RunReport, regions: readonly string[]): number | null {
  const isDuring = (phase: string) => plan.faults.length === 0 || phase.startsWith('during ');
  const asked = cells.filter(({ phase, region }) => isDuring(phase) && regions.includes(region));
  const operations = asked.reduce((sum, cell) => sum + cell.operations, 0);
  const decided = asked.reduce((sum, { outcomes }) => sum + outcomes.allowed + outcomes.denied, 0);
  return operations === 0 ? null : decided / operations;
}

function longest({ latencies }: RunReport, key: 'p50Us' | 'p99Us'): number | null {
  const ofAllowed = latencies.filter(({ outcome }) => outcome === 'allowed');
  return ofAllowed.length === 0 ? null : Math.max(...ofAllowed.map(({ latency }) => latency[key]));
}

function callsOf({ redisCalls, outcomes }: RunReport): number | null {
  const decisions = outcomes.allowed + outcomes.denied;
  return redisCalls === undefined || decisions === 0 ? null : redisCalls / decisions;
}
