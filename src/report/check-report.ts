import type { CheckReport } from '../checker/check.ts';
import type { Finding } from '../checker/findings/finding.ts';
import { EXTERNAL } from '../core/strategies.ts';
import type { RunReport } from './report.ts';

/** How a history was judged: what a reader needs to judge it again. */
export interface CheckedFacts {
  readonly command: string;
  readonly strategy: string;
  readonly policies: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly initial: 'full' | 'unknown';
  /** When the recording began, if the history says it; ISO 8601. */
  readonly startedAt?: string;
}

/** What `openclaw-rl check --json` prints. */
export interface CheckDocument extends CheckedFacts, CheckReport {
  readonly format: 'openclaw-check';
  readonly version: 3;
}

/** The input of the renderers: a judged history or a whole run. */
export type Document = CheckDocument | RunReport;

export function makeCheckDocument(facts: CheckedFacts, check: CheckReport): CheckDocument {
  return { format: 'openclaw-check', version: 3, ...facts, ...check };
}

/** A title of two to four words. */
export function titleOf(document: Document): string {
  const what = document.format === 'openclaw-check' ? 'check' : document.plan.scenario;
  return `openclaw-rl ${what}${simulatedText(document)}`;
}

/** The limiter of a run by its name; of services that ran already, by their addresses, which `system` has. */
export function limiterOf({ strategy, system }: Pick<RunReport, 'strategy' | 'system'>): string {
  return strategy === EXTERNAL ? system : strategy;
}

/** The limit that a limiter is judged by, and what it is: a promise of windows, or the policy of a token bucket. */
export function limitOf(document: Document): readonly ['promise' | 'policy', string] {
  if (document.promise !== 'token-bucket') return ['promise', document.promise];
  if (document.format === 'openclaw-report') return ['policy', document.policy];
  const all = Object.entries(document.policies).map(([name, one]) => (name === '' ? one : `${name} ${one}`));
  return ['policy', all.join(', ')];
}

/** `, simulated` after what is of a simulation. */
export function simulatedText({ simulated }: Pick<CheckReport, 'simulated'>): string {
  return simulated ? ', simulated' : '';
}

/**
 * Whether admissions are held against a token bucket. A right limiter of windows admits more than a bucket of its policy,
 * so there it takes a claim that asks for it.
 */
export function isExcessJudged({ promise, claims }: Pick<CheckReport, 'promise' | 'claims'>): boolean {
  return (
    promise === 'token-bucket' || claims.some(({ claim }) => /^(total-excess|worst-window)\b/.test(claim))
  );
}

/** Every finding on what was judged, by checker, with the checker's name and its number of buckets. */
export function findingsOf(check: CheckReport): readonly (readonly [string, number, readonly Finding[]])[] {
  const { overAdmission } = check;
  return [
    ['over-admission', overAdmission.buckets, isExcessJudged(check) ? overAdmission.findings : []],
    ['false denials', check.falseDenials.buckets, check.falseDenials.findings],
    ['replay', check.replay.buckets, check.replay.findings],
    ['dishonest', check.dishonest.buckets, check.dishonest.findings],
    [`promise ${check.promise}`, check.windows.buckets, check.windows.findings],
  ];
}

/** The reasons for the verdict: the result of every claim, and of the accounts. */
export function reasonsOf({ claims, accounts }: Pick<CheckReport, 'claims' | 'accounts'>) {
  return [
    ...claims.map(({ status, reason }) => ({ status, reason })),
    ...accounts.map(({ verdict, reason }) => ({
      status: verdict === 'pass' ? ('holds' as const) : ('unknown' as const),
      reason,
    })),
  ];
}

/** Whether a performance claim is broken and everything else holds. */
export function isOnlySlow({ verdict, claims }: CheckReport): boolean {
  return verdict === 'pass' && claims.some(({ status }) => status === 'broken');
}
