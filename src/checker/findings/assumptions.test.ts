import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { parsePromise } from '../../core/promise.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;
const NO_STEP =
  "the limiter's clock did not go back (by a step or a failover) before the history first shows it or after the history last shows it";
const READING = { type: 'clock', node: 'n', atUs: 0, serverUs: 0, errorUs: 1 } as const;
const LATER = { ...READING, atUs: 2 * S, serverUs: 2 * S };
const NOTHING_MORE = { first: undefined, records: undefined, clocks: undefined };
const decided: OperationPart = { decision: { strategy: 'central', source: 'redis', node: 'n', atUs: 0 } };

describe('a step back that no history can show', () => {
  it.each([
    { promise: 'sliding-window:3/60s', initial: 'unknown', isAssumed: true },
    { promise: 'sliding-window:3/60s', initial: 'full', isAssumed: false },
    { promise: 'fixed-window:3/60s', initial: 'unknown', isAssumed: false }, // its denials are not judged
    { promise: 'token-bucket', initial: 'unknown', isAssumed: true },
    { promise: 'token-bucket', initial: 'full', isAssumed: false },
    { promise: 'token-bucket', initial: 'full', clocks: 'apart', isAssumed: true },
    { promise: 'token-bucket', initial: 'full', first: decided, isAssumed: true },
    { promise: 'token-bucket', initial: 'full', records: [READING], isAssumed: true },
    { promise: 'token-bucket', initial: 'full', first: decided, records: [READING, LATER], isAssumed: false },
  ] as const)('is assumed away, $#: $isAssumed', ({ promise, initial, isAssumed, ...more }) => {
    const { first = {}, records = [], clocks = 'one' } = { ...NOTHING_MORE, ...more };
    const parts = [first, { invokedUs: S, outcome: 'denied' as const }];
    const { assumptions } = checkHistory(historyOf(parts, { header: { initial, clocks }, records }), {
      ...{ busiest: [], contestedAtLeast: 0, infoAtMost: 1 },
      promise: parsePromise(promise),
    });
    expect(assumptions?.includes(NO_STEP)).toBe(isAssumed);
  });
});

describe('V7: a bucket that was full, and that a denial shows ahead of its clock', () => {
  const offsetUs = 1_700_000_000 * S;
  const decision = (atUs: number, bucketUs: number, level: string) => ({
    ...({ strategy: 'central', source: 'redis', node: 'n' } as const),
    ...{ level, atUs: atUs + offsetUs, bucketUs: bucketUs + offsetUs },
  });
  /** Its clock is 5 s back at 4 s, so that the bucket waits until 6.1 s. */
  const parts: OperationPart[] = [
    { invokedUs: S, decision: decision(S, S, '1000000') },
    { invokedUs: 1.1 * S, decision: decision(1.1 * S, 1.1 * S, '100000') },
    {
      ...{ invokedUs: 4 * S, outcome: 'denied', decisionId: 'a' },
      decision: decision(-S, 1.1 * S, '100000'),
    },
  ];
  const judged = (given: readonly OperationPart[], readAtS: readonly number[] = []) => {
    const records = readAtS.map((atS) => ({ ...READING, atUs: atS * S, serverUs: atS * S + offsetUs }));
    const history = historyOf(given, { policy: '2:1/s', header: { clocks: 'apart' }, records });
    return checkHistory(history, { busiest: [], contestedAtLeast: 0 });
  };

  it('was not denied falsely, also if all decisions have a name', () => {
    expect(judged(parts)).toMatchObject({ falseDenials: { total: 0 }, clock: { backwardUs: 2.1 * S } });
    const named = parts.map((part, at) => ({ ...part, decisionId: `d${at}` }));
    expect(judged(named)).toMatchObject({ falseDenials: { total: 0 } });
    expect(judged(parts, [0, 1])).toMatchObject({ falseDenials: { total: 0 } });
  });

  it('was, if readings show that the clock never went back', () => {
    expect(judged(parts, [0, 2, 5])).toMatchObject({ falseDenials: { total: 1 }, verdict: 'fail' });
  });
});
