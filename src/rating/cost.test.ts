import { describe, expect, it } from 'vitest';
import { parsePolicies } from '../core/policies.ts';
import { readCost } from './cost.ts';

const ONE = parsePolicies('20:5/s');
const SEVERAL = parsePolicies('requests=10:10/s, tokens=60:20/s');

describe('the header of costs', () => {
  it.each([
    { header: undefined, policies: ONE, cost: 1 },
    { header: '20', policies: ONE, cost: 20 },
    { header: undefined, policies: SEVERAL, cost: 1 },
    { header: '10', policies: SEVERAL, cost: 10 },
    { header: 'tokens=60', policies: SEVERAL, cost: { tokens: 60 } },
    { header: 'requests=2,tokens=3', policies: SEVERAL, cost: { requests: 2, tokens: 3 } },
    { header: ' tokens=3 , requests=2 ', policies: SEVERAL, cost: { requests: 2, tokens: 3 } },
  ])('$header is read', ({ header, policies, cost }) => expect(readCost(header, policies)).toEqual(cost));

  it.each(['', '0', '21', '-1', '1.5', 'x', 'default=2', ['1', '2']])(
    '%j is refused of one policy',
    (header) =>
      expect(() => readCost(header, ONE)).toThrow(
        /^x-openclaw-cost must be a whole number from 1 to 20; found /,
      ),
  );

  it.each([
    ...['', '0', '11', 'x', 'tokens', 'tokens=', 'tokens=0', 'tokens=61', 'requests=11', 'token=2'],
    ...[
      'tokens=2, tokens=3',
      'tokens=2;requests=1',
      'tokens=2,',
      ',',
      '3, tokens=2',
      'tokens=2.5',
      '__proto__=1',
    ],
  ])('%j is refused of several', (header) =>
    expect(() => readCost(header, SEVERAL)).toThrow(
      'x-openclaw-cost must be a whole number from 1 to 10 for every policy, or one by name like requests=1, each once (requests 1 to 10, tokens 1 to 60); found ',
    ),
  );
});
