import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { parsePromise } from '../../core/promise.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;
const NO_STEP =
  "the limiter's clock did not go back (by a step or a failover) before the history first shows it or after the history last shows it";
const READING = { type: 'clock', node: 'n', atUs: 0, serverUs: 0, errorUs: 1 } as const;
const LATER = { ...READING, atUs: 2 * S, serverUs: 2 * S };
const decided: OperationPart = { decision: { strategy: 'central', source: 'redis', node: 'n', atUs: 0 } };

describe('a step back that no history can show', () => {
  it.each([
    { promise: 'sliding-window:3/60s', initial: 'unknown', isAssumed: true },
    { promise: 'sliding-window:3/60s', initial: 'full', isAssumed: false },
    { promise: 'fixed-window:3/60s', initial: 'unknown', isAssumed: false }, // its denials are not judged
    { promise: 'token-bucket', initial: 'unknown', isAssumed: true },
    { promise: 'token-bucket', initial: 'full', isAssumed: false },
    { promise: 'token-bucket', initial: 'full', first: decided, isAssumed: true },
    { promise: 'token-bucket', initial: 'full', records: [READING], isAssumed: true },
    { promise: 'token-bucket', initial: 'full', first: decided, records: [READING, LATER], isAssumed: false },
  ] as const)('is assumed away, $#: $isAssumed', ({ promise, initial, isAssumed, ...more }) => {
    const { first = {}, records = [] } = { first: undefined, records: undefined, ...more };
    const parts = [first, { invokedUs: S, outcome: 'denied' as const }];
    const { assumptions } = checkHistory(historyOf(parts, { header: { initial }, records }), {
      ...{ busiest: [], contestedAtLeast: 0, infoAtMost: 1 },
      promise: parsePromise(promise),
    });
    expect(assumptions?.includes(NO_STEP)).toBe(isAssumed);
  });
});
