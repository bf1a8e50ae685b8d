import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../../test/support/history.ts';
import { checkHistory } from '../../check.ts';

const S = 1_000_000;
/** A time of day, as in the logs of others. */
const START_US = 1.7e15 + 300_000;

/** Requests at a steady rate, decided by a counter of 10 for each two seconds that begins at `phaseS`. */
function counted(phaseS: number): OperationPart[] {
  const counts = new Map<number, number>();
  return Array.from({ length: 400 }, (_, number) => {
    const us = START_US + number * 100_000;
    const window = Math.floor((us - phaseS * S) / (2 * S));
    const used = counts.get(window) ?? 0;
    const isAllowed = used < 10;
    if (isAllowed) counts.set(window, used + 1);
    return { invokedUs: us - 2_000, completedUs: us + 2_000, outcome: isAllowed ? 'allowed' : 'denied' };
  });
}

const judged = (parts: readonly OperationPart[]) =>
  checkHistory(historyOf(parts, { policy: '10:5/s' }), { busiest: [] });

describe('a fixed window in place of a bucket', () => {
  it.each([0, 0.35, 1.9])('is named, wherever its windows begin: at %s s', (phaseS) => {
    const { reasons, diagnosis } = judged(counted(phaseS));
    expect(reasons?.map(({ reason }) => reason)).toEqual(['fixed-window']);
    expect(diagnosis[0]).toMatch(
      /^tokens come at the end of a fixed window, not one by one: the windows of fixed-window:10\/2s explain each admission and each denial \(\d+ ends of windows\)$/,
    );
  });

  it('is not named if one window has one more', () => {
    const parts = counted(0);
    const first = parts.findIndex(({ outcome }) => outcome === 'denied');
    expect(judged(parts.with(first, { ...parts[first], outcome: 'allowed' })).reasons).toBeUndefined();
  });
});
