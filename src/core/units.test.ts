import { expect, it } from 'vitest';
import { bytesText, plain, rounded, secondsText } from './units.ts';

it('rounds to digits after the point, and shows no more than there are', () => {
  expect([rounded(0.1 + 0.2, 6), rounded(2.0005, 3), rounded(7, 3)]).toEqual([0.3, 2.001, 7]);
});

it('shows microseconds as seconds', () => {
  expect([secondsText(1_234_567), secondsText(1_250_000, 1), secondsText(0, 6)]).toEqual([
    '1.235',
    '1.3',
    '0.000000',
  ]);
});

it('writes numbers without an exponent', () => {
  const numbers = [0, 1, 0.25, 1e-6, 1e-7, 1.25e-9, 1_000_000.5];
  const texts = ['0', '1', '0.25', '0.000001', '0.0000001', '0.00000000125', '1000000.5'];
  expect(numbers.map(plain)).toEqual(texts);
  expect(texts.map(Number)).toEqual(numbers);
});

it('writes sizes in the largest unit of which there is one', () => {
  expect([0, 1, 999, 1_000, 1_250, 21_340_000, 999_999, 4.5e9].map(bytesText)).toEqual([
    ...['0 bytes', '1 byte', '999 bytes', '1 kB', '1.3 kB', '21.3 MB', '1 MB', '4.5 GB'],
  ]);
});
