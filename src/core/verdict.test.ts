import { describe, expect, it } from 'vitest';
import { type Verdict, worst } from './verdict.ts';

describe('the worst verdict', () => {
  it.each([
    [[], 'unknown'],
    [['pass'], 'pass'],
    [['pass', 'unknown'], 'unknown'],
    [['unknown', 'fail', 'pass'], 'fail'],
  ] as [Verdict[], Verdict][])('of %j is %s', (verdicts, expected) => expect(worst(verdicts)).toBe(expected));
});
