import { OpenclawError } from '../core/errors.ts';
import { formatPolicy, makePolicy, type Policy } from '../core/policy.ts';
import { type Verdict, worst } from '../core/verdict.ts';
import { type History, type Operation, OUTCOMES, type Outcome } from '../history/operation.ts';
import { boundClock, type ClockBounds } from './clock.ts';
import { type Admission, checkOverAdmission, type ExceededWindow } from './over-admission.ts';

/** What a run must show before its silence counts as a pass. */
export interface EvidenceRules {
  /** The buckets that the plan expects to be busiest. */
  readonly busiest: readonly string[];
  /** The least share of them that must be contested, 0 to 1. */
  readonly contestedAtLeast: number;
  /** The largest share of operations whose reply may be missing, 0 to 1. */
  readonly infoAtMost: number;
  /** The run was stopped before its plan was done: at best `unknown`. */
  readonly interrupted: boolean;
}

/** One bucket that admitted more than any ideal bucket could have. Amounts are tokens. */
export interface OverAdmissionFinding {
  readonly bucket: string;
  readonly totalExcess: number;
  readonly worstWindow: number;
  readonly window: WindowInTokens;
}

export interface WindowInTokens {
  readonly startUs: number;
  readonly endUs: number;
  readonly operations: number;
  readonly admitted: number;
  /** capacity + refill * length, clock slack included. */
  readonly allowance: number;
}

/** One reason for the verdict, as a sentence. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
}

export interface CheckReport {
  readonly verdict: Verdict;
  readonly judgements: readonly Judgement[];
  readonly sent: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Why operations failed or have no reply: how often each code came. */
  readonly errors: Readonly<Record<string, number>>;
  /** Operations that were sent and are missing from the history. */
  readonly unaccounted: number;
  readonly buckets: number;
  readonly contested: { readonly buckets: number; readonly busiest: number; readonly ofBusiest: number };
  readonly overAdmission: {
    /** Tokens, over all buckets. */
    readonly totalExcess: number;
    readonly findings: readonly OverAdmissionFinding[];
    /** The finding with the largest window. */
    readonly worst?: OverAdmissionFinding;
  };
  readonly clock: ClockBounds;
}

/** Judges a history against the token math of its policy. It never sees the system that made it. */
export function checkHistory(history: History, rules: EvidenceRules): CheckReport {
  const { capacity, refill } = history.header.policy;
  const policy = makePolicy(capacity, refill);
  const clock = boundClock(history.clock);
  const byBucket = groupByBucket(history.operations);
  checkRange(history.operations, policy, clock);
  const findings = findOverAdmission(byBucket, policy, clock);
  const outcomes = countOutcomes(history.operations);
  const contested = countContested(byBucket, policy, rules.busiest);
  const sent = history.end?.sent ?? history.operations.length;
  const facts = {
    sent,
    outcomes,
    errors: countErrors(history.operations),
    unaccounted: sent - history.operations.length,
    buckets: byBucket.size,
    contested,
    overAdmission: summarize(findings),
    clock,
  };
  const judgements = judge(facts, rules, history.end !== undefined);
  return { verdict: worst(judgements.map(({ verdict }) => verdict)), judgements, ...facts };
}

/** Over-admission is computed in quanta, exactly, while they stay below 2^53. */
function checkRange(operations: readonly Operation[], policy: Policy, clock: ClockBounds): void {
  const lastUs = operations.reduce((last, { completedUs }) => Math.max(last, completedUs ?? 0), 0);
  const most = (lastUs + clock.epsilonUs) * policy.quantaPerUs * 2 + policy.capacityQuanta;
  if (most <= Number.MAX_SAFE_INTEGER) return;
  throw new OpenclawError(
    'INVALID_HISTORY',
    `${formatPolicy(policy)} over ${lastUs / 1_000_000} s cannot be judged exactly: time * rate passes 2^53`,
    { hint: 'judge a shorter run, or a rate with fewer digits' },
  );
}

function groupByBucket(operations: readonly Operation[]): Map<string, Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const group = groups.get(operation.bucket);
    if (group === undefined) groups.set(operation.bucket, [operation]);
    else group.push(operation);
  }
  return groups;
}

function findOverAdmission(
  byBucket: ReadonlyMap<string, readonly Operation[]>,
  policy: Policy,
  clock: ClockBounds,
): OverAdmissionFinding[] {
  const findings: OverAdmissionFinding[] = [];
  for (const [bucket, operations] of byBucket) {
    const found = checkOverAdmission(toAdmissions(operations, policy), policy, clock);
    if (found.window === undefined) continue;
    findings.push({
      bucket,
      totalExcess: found.totalExcessQuanta / policy.quantaPerToken,
      worstWindow: found.worstWindowQuanta / policy.quantaPerToken,
      window: toTokens(found.window, policy),
    });
  }
  return findings.sort((a, b) => b.worstWindow - a.worstWindow);
}

function toAdmissions(operations: readonly Operation[], policy: Policy): Admission[] {
  return operations.flatMap(({ outcome, invokedUs, completedUs, cost }) =>
    outcome === 'allowed' && completedUs !== null
      ? [{ invokedUs, completedUs, costQuanta: cost * policy.quantaPerToken }]
      : [],
  );
}

function toTokens(window: ExceededWindow, policy: Policy): WindowInTokens {
  return {
    startUs: window.startUs,
    endUs: window.endUs,
    operations: window.operations,
    admitted: window.admittedQuanta / policy.quantaPerToken,
    allowance: window.allowanceQuanta / policy.quantaPerToken,
  };
}

function summarize(findings: readonly OverAdmissionFinding[]): CheckReport['overAdmission'] {
  const totalExcess = findings.reduce((sum, finding) => sum + finding.totalExcess, 0);
  return { totalExcess, findings, ...(findings[0] === undefined ? {} : { worst: findings[0] }) };
}

function countOutcomes(operations: readonly Operation[]): Record<Outcome, number> {
  const counts = { allowed: 0, denied: 0, failed: 0, info: 0 };
  for (const { outcome } of operations) counts[outcome]++;
  return counts;
}

function countErrors(operations: readonly Operation[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { error } of operations)
    if (error !== undefined) counts.set(error, (counts.get(error) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

/** A bucket is contested when it admitted at least its capacity and denied at least once. */
function countContested(
  byBucket: ReadonlyMap<string, readonly Operation[]>,
  policy: Policy,
  busiest: readonly string[],
): CheckReport['contested'] {
  const contested = new Set<string>();
  for (const [bucket, operations] of byBucket) {
    let admitted = 0;
    let denied = 0;
    for (const { outcome, cost } of operations) {
      if (outcome === 'allowed') admitted += cost;
      if (outcome === 'denied') denied++;
    }
    if (admitted >= policy.capacityTokens && denied > 0) contested.add(bucket);
  }
  return {
    buckets: contested.size,
    busiest: busiest.filter((bucket) => contested.has(bucket)).length,
    ofBusiest: busiest.length,
  };
}

function judge(
  facts: Omit<CheckReport, 'verdict' | 'judgements'>,
  rules: EvidenceRules,
  ended: boolean,
): Judgement[] {
  const judgements = [
    judgeOverAdmission(facts),
    judgeAccounts(facts, ended),
    judgeInfo(facts, rules),
    judgeContested(facts, rules),
  ];
  return rules.interrupted
    ? [...judgements, { verdict: 'unknown', reason: 'the run was interrupted' }]
    : judgements;
}

function judgeOverAdmission({
  overAdmission,
  clock,
}: Pick<CheckReport, 'overAdmission' | 'clock'>): Judgement {
  const { worst: finding, findings } = overAdmission;
  if (finding === undefined)
    return { verdict: 'pass', reason: 'no bucket admitted more than an ideal one could' };
  const { window } = finding;
  const seconds = ((window.endUs - window.startUs) / 1_000_000).toFixed(3);
  return {
    verdict: 'fail',
    reason:
      `${findings.length} ${findings.length === 1 ? 'bucket' : 'buckets'} over-admitted; worst window: ${finding.bucket} admitted ${window.admitted} tokens ` +
      `within ${seconds} s, where an ideal bucket admits at most ${window.allowance.toFixed(3)}${describeSteps(clock)}`,
  };
}

/** A clock that jumps ahead fills buckets early: not the limiter's fault, and not subtracted either. */
function describeSteps({ steps }: ClockBounds): string {
  const forward = steps.filter(({ byUs }) => byUs > 0);
  if (forward.length === 0) return '';
  const seconds = forward.map(({ byUs }) => (byUs / 1_000_000).toFixed(3)).join(', ');
  return ` (the server's clock jumped ahead by ${seconds} s)`;
}

function judgeAccounts(
  { sent, outcomes, unaccounted }: Pick<CheckReport, 'sent' | 'outcomes' | 'unaccounted'>,
  ended: boolean,
): Judgement {
  if (!ended) return { verdict: 'unknown', reason: 'the history has no end: the recording was cut short' };
  if (unaccounted !== 0)
    return {
      verdict: 'unknown',
      reason: `${unaccounted} of ${sent} requests sent are missing from the history`,
    };
  const sum = OUTCOMES.map((outcome) => `${outcomes[outcome]} ${outcome}`).join(' + ');
  return { verdict: 'pass', reason: `all ${sent} requests sent are accounted for: ${sum}` };
}

function judgeInfo(
  { sent, outcomes }: Pick<CheckReport, 'sent' | 'outcomes'>,
  { infoAtMost }: EvidenceRules,
): Judgement {
  const share = sent === 0 ? 1 : outcomes.info / sent;
  return {
    verdict: share <= infoAtMost ? 'pass' : 'unknown',
    reason:
      sent === 0
        ? 'no request was sent'
        : `${percent(share)} of the requests have no reply (at most ${percent(infoAtMost)})`,
  };
}

function judgeContested(
  { contested }: Pick<CheckReport, 'contested'>,
  { contestedAtLeast }: EvidenceRules,
): Judgement {
  const share = contested.ofBusiest === 0 ? 0 : contested.busiest / contested.ofBusiest;
  return {
    verdict: share >= contestedAtLeast ? 'pass' : 'unknown',
    reason:
      `${contested.busiest} of the ${contested.ofBusiest} busiest planned buckets were drained and contested ` +
      `(at least ${percent(contestedAtLeast)})`,
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 0)}%`;
}
