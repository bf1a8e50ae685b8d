import type { CheckReport } from '../checker/check.ts';
import type { Finding } from '../checker/finding.ts';

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
  readonly version: 1;
}

export function makeCheckDocument(facts: CheckedFacts, check: CheckReport): CheckDocument {
  return { format: 'openclaw-check', version: 1, ...facts, ...check };
}

/** Every finding, checker by checker, with what each checker is called. */
export function findingsOf(check: CheckReport): readonly (readonly [string, number, readonly Finding[]])[] {
  return [
    ['over-admission', check.overAdmission.buckets, check.overAdmission.findings],
    ['false denials', check.falseDenials.buckets, check.falseDenials.findings],
    ['replay', check.replay.buckets, check.replay.findings],
    [`promise ${check.promise}`, check.windows.buckets, check.windows.findings],
  ];
}

/** A number of tokens as people read it. */
export function tokensText(amount: number): string {
  return Number.isInteger(amount) ? String(amount) : amount.toFixed(3);
}
