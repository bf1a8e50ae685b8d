import { describe, expect, it } from 'vitest';
import { carriedEvidence, type Evidence, formatEvidence, parseEvidence } from './decision.ts';

const whole: Evidence = {
  strategy: 'central',
  node: 'us-east-0',
  source: 'redis',
  atUs: 1_795_559_409_216_235,
  bucketUs: 1_795_559_409_216_240,
  levelQuanta: 3_800_000,
};

describe('the openclaw-decision header', () => {
  it('is a dictionary of structured fields', () => {
    expect(formatEvidence(whole)).toBe(
      'strategy="central", node="us-east-0", source=redis, at="1795559409216235", bucket="1795559409216240", level="3800000"',
    );
  });
  it.each([
    ['with everything', whole],
    ['without times', { strategy: 'article', node: '127.0.0.1:6379', source: 'redis' }],
    ['with an age', { strategy: 'active-active', node: 'n', source: 'redis', atUs: 5, ageUs: 0 }],
    ['of a failure policy', { strategy: 'central', node: 'none', source: 'fallback', charge: 'possible' }],
    ['of a failure policy that charged nothing', { ...whole, source: 'fallback', charge: 'none' }],
    ['of a failure policy that does not say', { strategy: 'central', node: 'none', source: 'fallback' }],
    ['at level 0', { ...whole, levelQuanta: 0 }],
  ] as [string, Evidence][])('reads back the same %s', (_, evidence) => {
    expect(parseEvidence(formatEvidence(evidence))).toEqual(evidence);
  });
  it('cannot be broken by the name of a node', () => {
    const header = formatEvidence({ ...whole, node: 'a", source=lease, x="\r\nset-cookie: b' });
    expect(header).not.toMatch(/[\r\n]/);
    expect(parseEvidence(header)?.source).toBe('redis');
  });
  it.each([
    '',
    'nonsense',
    'strategy="central"',
    'strategy="a", node="b", source=magic',
    'strategy="a", node="b", source=fallback, charge=some',
  ])('is undefined for %j', (header) => {
    expect(parseEvidence(header)).toBeUndefined();
  });
  it.each([
    ['all of it', whole],
    ['an age', { strategy: 'active-active', node: '127.0.0.1:6379', source: 'redis', atUs: 5, ageUs: 0 }],
    ['the charge of a failure policy', { ...whole, node: 'no node', source: 'fallback', charge: 'possible' }],
    ['a level below 0', { ...whole, levelQuanta: -3 }],
    ['nothing of times between microseconds', { ...whole, atUs: 5.5 }],
    ['nothing of a time before 1970', { ...whole, bucketUs: -1 }],
    ['all but a number beyond 2^53', { ...whole, levelQuanta: 2 ** 53 }],
    ['a name with other characters changed', { ...whole, node: 'a"b' }],
  ] as [string, Evidence][])('carries %s, also if it is not written', (_, evidence) => {
    expect(carriedEvidence(evidence)).toEqual(parseEvidence(formatEvidence(evidence)));
  });
});
