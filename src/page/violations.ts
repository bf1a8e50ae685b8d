import type { Violation } from '../report/html/page-data.ts';
import { tokensText } from './text.ts';

/** Each kind by the name of its proof, which counts the violations of its kind only. */
const KINDS: readonly (readonly [kind: Violation['kind'], one: string, several: string])[] = [
  ['over-admission', 'over-admission', 'over-admissions'],
  ['false-denial', 'false denial', 'false denials'],
  ['replay', 'replay mismatch', 'replay mismatches'],
  ['window', 'broken promise', 'broken promises'],
];

/** `14 violations: 13 over-admissions (declared: up to 20 tokens), 1 false denial`. */
export function violationsText(violations: readonly Pick<Violation, 'kind'>[], declared?: number): string {
  const counts = KINDS.flatMap(([kind, one, several]) => {
    const many = violations.filter((violation) => violation.kind === kind).length;
    if (many === 0) return [];
    const isDeclared = kind === 'over-admission' && declared !== undefined;
    const allowed = isDeclared ? ` (declared: up to ${tokensText(declared)} tokens)` : '';
    return [`${many} ${many === 1 ? one : several}${allowed}`];
  });
  if (counts.length === 0) return 'no violations';
  return `${violations.length} ${violations.length === 1 ? 'violation' : 'violations'}: ${counts.join(', ')}`;
}
