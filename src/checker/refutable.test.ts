import { expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import { parsePromise } from '../core/promise.ts';
import { checkHistory } from './check.ts';

const S = 1_000_000;
const EXCUSES = 'the clock allowance, requests in flight or requests before the history can always explain';

const allowed = (from: number, to = from): OperationPart => ({ invokedUs: from * S, completedUs: to * S });
const denied = (at: number, cost = 1): OperationPart => ({ ...allowed(at), outcome: 'denied', cost });
const drained = [allowed(10), allowed(10)];

/** What the claim on false denials says of 2 tokens and 1/s, or 2 in 10 s, with so many seconds granted. */
function saidOf(
  parts: readonly OperationPart[],
  { grantS = 0, promise = 'token-bucket', initial = 'full' as 'full' | 'unknown' } = {},
) {
  const { claims } = checkHistory(historyOf(parts, { policy: '2:1/s', header: { initial } }), {
    ...{ busiest: [], contestedAtLeast: 0, infoAtMost: 1, promise: parsePromise(promise) },
    clockSlack: { us: grantS * S, isWidened: false },
  });
  const { status, reason } = claims.find(({ claim }) => claim.startsWith('false-denials')) ?? {};
  return [status, reason];
}

it.each([
  { title: 'nothing is granted', parts: [...drained, denied(10.5)], says: 'none of 1 denial was false' },
  {
    title: 'more than a bucket holds is granted',
    parts: [...drained, denied(10.5), denied(11.5)],
    options: { grantS: 3 },
    says: `none of 2 denials could have been found false: ${EXCUSES} them`,
    isUnknown: true, // the second one may be false
  },
  {
    title: 'two of three cost more than the grant leaves',
    parts: [...drained, denied(10.5), denied(10.5, 2), denied(10.5, 2)],
    options: { grantS: 1 },
    says: `none of 3 denials was false, and 1 could have been found false: ${EXCUSES} the others`,
  },
  {
    title: 'one of two costs more than the grant leaves, as a few may in any run',
    parts: [...drained, denied(10.5), denied(10.5, 2)],
    options: { grantS: 1 },
    says: 'none of 2 denials was false$',
  },
  {
    title: 'it costs more than a full bucket holds',
    parts: [...drained, denied(10.5, 3)],
    options: { grantS: 1 },
    says: 'none of 1 denial was false',
  },
  {
    title: 'all that the bucket holds is in flight',
    parts: [allowed(10, 12), allowed(10, 12), denied(11)],
    says: `none of 1 denial could have been found false: ${EXCUSES} it`,
  },
  {
    title: 'the log has just begun',
    parts: [allowed(10), denied(10.5)],
    options: { initial: 'unknown' as const },
    says: `none of 1 denial could have been found false: ${EXCUSES} it`,
    isUnknown: true,
  },
  {
    title: 'the log has just begun, and windows are promised',
    parts: [allowed(10), allowed(21), allowed(21), denied(15), denied(16), denied(25)],
    options: { initial: 'unknown' as const, promise: 'sliding-window:2/10s' },
    says: `none of 3 denials was false, and 1 could have been found false: ${EXCUSES} the others`,
  },
])('where $title: $says', ({ parts, options, says, isUnknown = false }) =>
  expect(saidOf(parts, options)).toEqual([isUnknown ? 'unknown' : 'holds', expect.stringMatching(says)]),
);
