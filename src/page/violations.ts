import type { Proof, Violation } from '../report/html/page-data.ts';
import { tokensText } from './text.ts';

type Kind = Proof['kind'];

/** Each kind by the name of its proof, which counts the findings of its kind only. */
const KINDS: readonly (readonly [kind: Kind, one: string, several: string])[] = [
  ['over-admission', 'over-admission', 'over-admissions'],
  ['false-denial', 'false denial', 'false denials'],
  ['replay', 'replay mismatch', 'replay mismatches'],
  ['window', 'broken window', 'broken windows'],
  ['dishonest', 'wrong value', 'wrong values'],
];

/** Whether the strategy declares it, and the run keeps what is declared: then it is no violation. */
export function isDeclared(kind: Kind, declared: number | undefined): boolean {
  return kind === 'over-admission' && declared !== undefined;
}

/** `declared: up to 20 tokens`. */
export function declaredText(declared: number): string {
  return `declared: up to ${tokensText(declared)} tokens`;
}

/** `13 over-admissions`. */
export function countText(kind: Kind, count: number): string {
  const [, one = '', several = ''] = KINDS.find(([name]) => name === kind) ?? [];
  return `${count} ${count === 1 ? one : several}`;
}

/** `13 over-admissions (declared), 1 false denial`. */
export function kindsText(violations: readonly Pick<Violation, 'kind'>[], declared?: number): string {
  return countKinds(violations)
    .map(({ kind, count }) => `${countText(kind, count)}${isDeclared(kind, declared) ? ' (declared)' : ''}`)
    .join(', ');
}

/** `1 violation: 1 false denial; 13 over-admissions (declared: up to 20 tokens)`. */
export function violationsText(violations: readonly Pick<Violation, 'kind'>[], declared?: number): string {
  const wrong = violations.filter(({ kind }) => !isDeclared(kind, declared));
  const allowed = violations.filter(({ kind }) => isDeclared(kind, declared));
  const parts = [
    ...(wrong.length === 0
      ? []
      : [`${wrong.length} ${wrong.length === 1 ? 'violation' : 'violations'}: ${kindsText(wrong)}`]),
    ...(allowed.length === 0 ? [] : [`${kindsText(allowed)} (${declaredText(declared ?? 0)})`]),
  ];
  return parts.length === 0 ? 'no violations' : parts.join('; ');
}

function countKinds(violations: readonly Pick<Violation, 'kind'>[]): { kind: Kind; count: number }[] {
  return KINDS.map(([kind]) => ({
    kind,
    count: violations.filter((one) => one.kind === kind).length,
  })).filter(({ count }) => count > 0);
}
