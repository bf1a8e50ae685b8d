import type { CheckReport } from '../checker/check.ts';
import type { LatencyFigures } from '../checker/evidence/histogram.ts';
import type { Finding } from '../checker/findings/finding.ts';
import { given } from '../core/given.ts';
import { byName, parsePolicies } from '../core/policies.ts';
import { formatPolicy } from '../core/policy.ts';
import type { Outcome } from '../history/records/operation.ts';
import type { Plan } from '../scenario/plan.ts';
import { shownOf } from './shown.ts';

/** Latency of the operations with one outcome in one region. */
export interface LatencyRow {
  readonly region: string;
  readonly outcome: Outcome;
  readonly latency: LatencyFigures;
}

/** The results of a run. */
export interface ReportInput {
  readonly plan: Plan;
  /** Makes the run again. */
  readonly command: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** When the times of the history are 0. ISO 8601. Absent where several machines recorded it. */
  readonly originAt?: string;
  readonly folder: string;
  /** Provider and server, for people. */
  readonly system: string;
  /** From the first request until sending ended. */
  readonly loadMs: number;
  /** How many processes sent the load. */
  readonly loadProcesses?: number;
  /** Calls of the strategy to Redis during the load: scripts and waits for replicas. Absent if unknown. */
  readonly redisCalls?: number;
  /** Requests that an audit sent before its load (part of `sent`), and their user. Absent if it sent none. */
  readonly warmUp?: { readonly requests: number; readonly user: string };
  readonly check: CheckReport;
  readonly latencies: readonly LatencyRow[];
}

/** The content of `report.json`. */
export interface RunReport extends CheckReport, Omit<ReportInput, 'check'> {
  readonly format: 'openclaw-report';
  readonly version: 3;
  readonly seed: number;
  readonly strategy: string;
  readonly policy: string;
  /** By name, if there are several. */
  readonly policies?: Readonly<Record<string, string>>;
  readonly requestsPerSecond: number;
  /** The 100 buckets with the largest excess; `findings` has the proofs of the first few. */
  readonly worstBuckets: readonly WorstBucket[];
}

export interface WorstBucket {
  readonly bucket: string;
  /** The name of its policy, if that has one. */
  readonly policy?: string;
  readonly totalExcess: number;
  readonly worstWindow: number;
}

/** The findings of each kind that a report keeps, each with its proof; `check --json` on the history gives all. */
const MOST_FINDINGS = 3;

/** Puts the plan of a run and the checker's judgement into one document, small enough to keep. */
export function makeReport({ check, ...facts }: ReportInput): RunReport {
  const { plan, loadMs } = facts;
  const { overAdmission, falseDenials, replay, dishonest, windows } = check;
  return {
    format: 'openclaw-report',
    version: 3,
    ...facts,
    seed: plan.seed,
    strategy: plan.strategy,
    ...policiesOf(plan),
    requestsPerSecond:
      loadMs === 0 ? 0 : Math.round(((check.sent - (facts.warmUp?.requests ?? 0)) * 1_000) / loadMs),
    worstBuckets: overAdmission.findings.map(({ bucket, policy, totalExcess, worstWindow }) => ({
      bucket,
      ...given({ policy }),
      totalExcess,
      worstWindow,
    })),
    ...check,
    overAdmission: shortened(overAdmission),
    falseDenials: shortened(falseDenials),
    replay: shortened(replay),
    dishonest: shortened(dishonest),
    windows: shortened(windows),
  };
}

function policiesOf({ policy }: Plan): Pick<RunReport, 'policy' | 'policies'> {
  const several = byName(parsePolicies(policy));
  if (several === undefined) return { policy };
  const texts = Object.entries(several).map(([name, each]) => [name, formatPolicy(each)] as const);
  return { policy, policies: Object.fromEntries(texts) };
}

function shortened<T extends { readonly findings: readonly Finding[] }>(found: T): T {
  return { ...found, findings: shownOf(found.findings, MOST_FINDINGS) };
}
