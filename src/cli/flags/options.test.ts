import { describe, expect, it } from 'vitest';
import { seconds } from './options.ts';

describe('seconds', () => {
  const parse = seconds({ leastMs: 100, mostMs: 3_600_000 });

  it.each([
    ['5', 5],
    ['0.1', 0.1],
    ['2.5', 2.5],
    ['5s', 5],
    ['500ms', 0.5],
    ['5m', 300],
    ['1h', 3_600],
  ])('reads %s', (text, value) => expect(parse(text)).toBe(value));

  it.each(['5x', '', 's', '0.05', '3601', '2h', '99ms', '-5', '1e3'])('refuses %j with the forms', (text) => {
    expect(() => parse(text)).toThrow('Expected seconds, or a time like 500ms, 10s or 2m, from 100ms to 1h.');
  });
});
