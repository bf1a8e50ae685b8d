import { describe, expect, it } from 'vitest';
import type { Decision } from '../core/decision.ts';
import { parsePolicy } from '../core/policy.ts';
import { rateLimitHeaders } from './headers.ts';

const evidence = { strategy: 'central', node: 'n', source: 'redis' } as const;

describe('rate limit headers', () => {
  it.each([
    {
      title: 'allowed',
      decision: { allowed: true, remainingTokens: 19, retryAfterUs: 0 },
      want: { RateLimit: '"ratings";r=19' },
    },
    {
      title: 'denied, rounded up to whole seconds',
      decision: { allowed: false, remainingTokens: 0, retryAfterUs: 200_001 },
      want: { RateLimit: '"ratings";r=0;t=1', 'Retry-After': '1' },
    },
    { title: 'denied, the level unknown', decision: { allowed: false }, want: { 'Retry-After': '1' } },
    { title: 'not decided', decision: undefined, want: {} },
  ] as { title: string; decision: Omit<Decision, 'evidence'> | undefined; want: object }[])(
    'state the limit, the level and the retry time: $title',
    ({ decision, want }) => {
      const headers = rateLimitHeaders(
        [{ name: 'ratings', policy: parsePolicy('20:5/s') }],
        decision && { ...decision, evidence },
      );
      expect(headers).toEqual({ 'RateLimit-Policy': '"ratings";q=20;w=4', ...want });
    },
  );
});
