import type { CheckReport } from '../checker/check.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Outcome } from '../history/operation.ts';

/** Latency of the operations with one outcome in one region. */
export interface LatencyRow {
  readonly region: string;
  readonly outcome: Outcome;
  readonly latency: {
    readonly count: number;
    readonly p50Us: number;
    readonly p99Us: number;
    readonly maxUs: number;
  };
}

/** How a run was made: what a reader needs to make it again. */
export interface RunFacts {
  readonly command: string;
  readonly seed: number;
  readonly startedAt: string;
  readonly folder: string;
  readonly strategy: string;
  readonly policy: string;
  readonly server: string;
  readonly loadMs: number;
}

/** The content of `report.json`. */
export interface RunReport extends RunFacts, CheckReport {
  readonly format: 'openclaw-report';
  readonly version: 1;
  readonly verdict: Verdict;
  readonly requestsPerSecond: number;
  readonly latencies: readonly LatencyRow[];
}

/** Puts the facts of a run and the checker's judgement into one document. */
export function makeReport(facts: RunFacts, check: CheckReport, latencies: readonly LatencyRow[]): RunReport {
  return {
    format: 'openclaw-report',
    version: 1,
    ...facts,
    ...check,
    requestsPerSecond: facts.loadMs === 0 ? 0 : Math.round((check.sent * 1_000) / facts.loadMs),
    latencies,
  };
}
