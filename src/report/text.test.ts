import { expect, it } from 'vitest';
import { ratioText } from './text.ts';

it.each([
  [0, '0.00'],
  [1.049, '1.05'],
  [0.84, '0.84'],
  [0.0949, '0.095'],
  [0.0037, '0.0037'],
  [0.000_000_2, '2e-7'],
  [-0.0037, '-0.0037'],
])('the ratio %d is %s: never 0 unless it is', (ratio, text) => expect(ratioText(ratio)).toBe(text));
