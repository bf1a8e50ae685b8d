import { describe, expect, it } from 'vitest';
import { OpenclawError } from './errors.ts';
import { formatPolicy, makePolicy, parsePolicy, parseRate, type Rate } from './policy.ts';

function hintOf(text: string): string | undefined {
  try {
    parsePolicy(text);
    return undefined;
  } catch (error) {
    return (error as OpenclawError).hint;
  }
}

describe('a rate', () => {
  it.each([
    ['10/s', { tokens: 1, perUs: 100_000 }],
    ['5/s', { tokens: 1, perUs: 200_000 }],
    ['3/s', { tokens: 3, perUs: 1_000_000 }],
    ['100/min', { tokens: 1, perUs: 600_000 }],
    ['5000/h', { tokens: 1, perUs: 720_000 }],
    ['0.5/s', { tokens: 1, perUs: 2_000_000 }],
    ['1.25/s', { tokens: 1, perUs: 800_000 }],
    ['7/d', { tokens: 7, perUs: 86_400_000_000 }],
    ['10/15min', { tokens: 1, perUs: 90_000_000 }],
    ['2/250ms', { tokens: 1, perUs: 125_000 }],
  ])('reads %s exactly', (text, rate) => {
    expect(parseRate(text)).toEqual(rate);
  });

  it.each([
    '',
    '10',
    '/s',
    '10/',
    's/10',
    '-1/s',
    '+1/s',
    '1e3/s',
    'NaN/s',
    'Infinity/s',
    '1/x',
    '1 /s',
    '0/s',
    '0.0/s',
    '1/0s',
    '1/constructor',
    '9999999999999999/s',
  ])('refuses %j', (text) => expect(() => parseRate(text)).toThrow(OpenclawError));
});

describe('a policy', () => {
  it('counts one token as the refill period in microseconds', () => {
    expect(parsePolicy('20:5/s')).toMatchObject({
      capacityTokens: 20,
      quantaPerToken: 200_000,
      quantaPerUs: 1,
      capacityQuanta: 4_000_000,
    });
    expect(makePolicy(19, '5/s').capacityQuanta).toBe(3_800_000);
  });

  it.each(['20:5/s', '100:10/s', '1:1/d', '7:100/min', '3:5000/h', '10:0.5/s', '2:1/7s', '5:3/11ms'])(
    'writes %s so that it reads back the same',
    (text) => {
      expect(parsePolicy(formatPolicy(parsePolicy(text)))).toEqual(parsePolicy(text));
    },
  );

  it.each([
    { title: 'capacity 0', capacity: 0, rate: '5/s', says: /capacity must be .* at least 1/ },
    { title: 'a negative capacity', capacity: -1, rate: '5/s', says: /found -1/ },
    { title: 'a fractional capacity', capacity: 1.5, rate: '5/s', says: /whole number/ },
    { title: 'NaN', capacity: Number.NaN, rate: '5/s', says: /found NaN/ },
    { title: 'a capacity of 1e300', capacity: 1e300, rate: '5/s', says: /2\^53; found 1e\+300/ },
    { title: 'rate 0', capacity: 20, rate: { tokens: 0, perUs: 1 }, says: /above zero/ },
    { title: 'rate NaN', capacity: 20, rate: { tokens: Number.NaN, perUs: 1 }, says: /found NaN and 1/ },
    {
      title: 'rate 1e300',
      capacity: 20,
      rate: { tokens: 1e300, perUs: 1 },
      says: /below 2\^53; found 1e\+300/,
    },
    {
      title: 'a fraction of a token as a number',
      capacity: 20,
      rate: { tokens: 0.5, perUs: 1_000_000 },
      says: /two whole numbers/,
    },
    {
      title: 'a level that passes 2^52',
      capacity: 2 ** 40,
      rate: '1/d',
      says: /capacity \* period must stay below 2\^52/,
    },
    {
      title: 'a bucket that needs centuries',
      capacity: 2 ** 20,
      rate: { tokens: 1, perUs: 2 ** 32 + 1 },
      says: /capacity \* period must stay below 2\^52/,
    },
  ] as { title: string; capacity: number; rate: string | Rate; says: RegExp }[])(
    'refuses $title, saying which limit',
    ({ capacity, rate, says }) => {
      expect(() => makePolicy(capacity, rate)).toThrow(says);
    },
  );

  it.each([
    ['100000:1/d', 52_124],
    ['250000:250001/d', 52_124],
    ['20000:1/3d', 17_374],
  ])('says the way out of a product that is too large: %s', (text, most) => {
    const rate = text.slice(text.indexOf(':') + 1);
    expect(hintOf(text)).toBe(
      `lower the capacity to at most ${most}, or choose a rate that reduces to a shorter period, as 250000/d does to 1 token every 345600 us`,
    );
    expect(() => makePolicy(most, rate)).not.toThrow();
    expect(() => makePolicy(most + 1, rate)).toThrow(/must stay below 2\^52/);
    expect(parsePolicy('250000:250000/d').refill).toEqual({ tokens: 1, perUs: 345_600 });
  });

  it('names no capacity where not even one token fits', () =>
    expect(hintOf('1:1/60000d')).toMatch(/^choose a rate that reduces to a shorter period/));

  it.each(['', '20', '20:', ':5/s', '20:5', '20;5/s', '-20:5/s', '1e3:5/s', `${'9'.repeat(17)}:5/s`])(
    'refuses the text %j',
    (text) => {
      expect(() => parsePolicy(text)).toThrow(/capacity:rate|tokens\/time|2\^53/);
    },
  );

  it.each(['20.5', '-20', '0', '9'.repeat(17)])('names the capacity that is wrong: %s', (capacity) => {
    expect(() => parsePolicy(`${capacity}:5/s`)).toThrow(/^capacity must be a whole number of tokens/);
  });
});
