import { describe, expect, it } from 'vitest';
import { byName, formatPolicies, parsePolicies } from './policies.ts';

describe('the policies of a run as text', () => {
  it.each([
    ['20:5/s', '20:5/s'],
    ['burst=10:10/s, hourly=1000:1000/h', 'burst=10:10/s, hourly=1000:1000/h'],
    ['b=1:1/s,a.b-c_d=2:120/min', 'b=1:1/s, a.b-c_d=2:2/s'],
  ])('%s', (text, written) => {
    const policies = parsePolicies(text);
    expect(formatPolicies(policies)).toBe(written);
    expect(parsePolicies(written)).toEqual(policies);
  });

  it('has names only of several', () => {
    expect(byName(parsePolicies('20:5/s'))).toBeUndefined();
    expect(Object.keys(byName(parsePolicies('b=1:1/s, a=2:2/s')) ?? {})).toEqual(['b', 'a']);
  });

  it.each([
    ['', 'a policy is written capacity:rate'],
    ['burst=10:10/s', 'one policy has no name; found "burst"; give a second policy, or leave out the name'],
    ['10:10/s, 20:2/s', 'several policies need names'],
    ['burst=10:10/s, 20:2/s', 'several policies need names'],
    ['a=10:10/s, a=20:2/s', 'each policy has its own name; found "a" twice'],
    [
      '9a=10:10/s, b=20:2/s',
      "expected a policy's name of letters, digits and _ . - that begins with a letter",
    ],
    ['__proto__=10:10/s, b=20:2/s', "expected a policy's name"],
    ['a=10, b=20:2/s', 'a policy is written capacity:rate'],
    [Array.from({ length: 11 }, (_, at) => `p${at}=1:1/s`).join(), 'expected at most 10 policies; found 11'],
  ])('%s is refused', (text, says) => expect(() => parsePolicies(text)).toThrow(says));
});
