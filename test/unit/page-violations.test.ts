import { expect, it } from 'vitest';
import { kindsText, violationsText } from '../../src/page/violations.ts';

const over = Array.from({ length: 13 }, () => ({ kind: 'over-admission' as const }));
const denied = [{ kind: 'false-denial' as const }];

it.each([
  { of: [], text: 'no violations' },
  { of: denied, text: '1 violation: 1 false denial' },
  { of: [...over, ...denied], text: '14 violations: 13 over-admissions, 1 false denial' },
  {
    of: [...over, ...denied],
    declared: 20,
    text: '1 violation: 1 false denial; 13 over-admissions (declared: up to 20 tokens)',
  },
  { of: over, declared: 20, text: '13 over-admissions (declared: up to 20 tokens)' },
])('the page says of a bucket: $text', ({ of, declared, text }) => {
  expect(violationsText(of, declared)).toBe(text);
});

it('the list of buckets has each kind with its count, and says which is declared', () => {
  expect(kindsText([...over, ...denied])).toBe('13 over-admissions, 1 false denial');
  expect(kindsText([...over, ...denied], 20)).toBe('13 over-admissions (declared), 1 false denial');
});
