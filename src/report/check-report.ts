import type { CheckReport } from '../checker/check.ts';
import type { Finding } from '../checker/finding.ts';
import type { RunReport } from './report.ts';

/** How a history was judged: what a reader needs to do it again. */
export interface CheckedFacts {
  readonly command: string;
  readonly strategy: string;
  readonly policies: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly initial: 'full' | 'unknown';
}

/** What `openclaw-rl check --json` prints. */
export interface CheckDocument extends CheckedFacts, CheckReport {
  readonly format: 'openclaw-check';
  readonly version: 3;
}

/** What the renderers take: a history that was judged, or a whole run. */
export type Document = CheckDocument | RunReport;

export function makeCheckDocument(facts: CheckedFacts, check: CheckReport): CheckDocument {
  return { format: 'openclaw-check', version: 3, ...facts, ...check };
}

/** What is judged, in two words or three. */
export function titleOf(document: Document): string {
  return document.format === 'openclaw-check' ? 'openclaw-rl check' : `openclaw-rl ${document.plan.scenario}`;
}

/** Every finding, checker by checker, with what each checker is called and how many buckets it is about. */
export function findingsOf(check: CheckReport): readonly (readonly [string, number, readonly Finding[]])[] {
  return [
    ['over-admission', check.overAdmission.buckets, check.overAdmission.findings],
    ['false denials', check.falseDenials.buckets, check.falseDenials.findings],
    ['replay', check.replay.buckets, check.replay.findings],
    [`promise ${check.promise}`, check.windows.buckets, check.windows.findings],
  ];
}

/** Whether a claim on speed is broken while everything else holds. */
export function isOnlySlow({ verdict, claims }: CheckReport): boolean {
  return verdict === 'pass' && claims.some(({ status }) => status === 'broken');
}
