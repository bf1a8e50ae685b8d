import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import { parsePromise } from '../core/promise.ts';
import type { Event, Header } from '../history/records/operation.ts';
import { checkHistory } from './check.ts';

const S = 1_000_000;
const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

const at = (second: number, part: OperationPart = {}): OperationPart => ({
  invokedUs: second * S,
  completedUs: second * S + 300,
  ...part,
});
const burst = (second: number, times: number, part: OperationPart = {}) =>
  Array.from({ length: times }, (_, place) => at(second + place / 1_000, part));
const denied = { outcome: 'denied' } as const;
const resetAt = (second: number, untilUs?: number | null): Event => ({
  type: 'event',
  event: 'reset',
  atUs: second * S,
  args: { untilUs },
});

function judge(
  parts: readonly OperationPart[],
  { events = [] as readonly Event[], promise = 'token-bucket' } = {},
) {
  const header: Partial<Header> = { clocks: 'one', promise };
  const policy = promise === 'token-bucket' ? '20:5/s' : '5:5/s';
  return checkHistory(historyOf(parts, { policy, header, records: events }), {
    ...RULES,
    promise: parsePromise(promise),
  });
}

describe('an excuse counts once', () => {
  const WINDOWS = ['sliding-window:5/1s', 'fixed-window:5/1s', 'fixed-window:5/1s:first'];
  const seconds = (count: number, times: number) =>
    Array.from({ length: count }, (_, second) => burst(10 + second, times)).flat();

  it.each(WINDOWS)('V1: one reset excuses one window of %s, not every later one', (promise) => {
    const broken = seconds(30, 15);
    expect(judge(broken, { promise }).verdict).toBe('fail');
    expect(judge(broken, { promise, events: [resetAt(0)] }).verdict).toBe('fail');
    expect(judge(seconds(30, 5), { promise, events: [resetAt(0)] }).verdict).not.toBe('fail');
  });

  it('V1: as many resets as windows hold too much excuse them', () => {
    const promise = 'sliding-window:5/1s';
    const twice = [...burst(10, 10), ...burst(20, 10), ...burst(30, 10)];
    const resets = [resetAt(0), resetAt(1), resetAt(2)];
    expect(judge(twice, { promise, events: resets }).windows.total).toBe(0);
    const { windows } = judge(twice, { promise, events: resets.slice(1) });
    expect(windows.total).toBe(1);
    expect(windows.findings[0]?.inequality).toMatch(
      /^admitted 30 tokens in 3 spans between .*, that may hold 15: 10 can have come back, each token once, so at most 25$/,
    );
    expect(windows.findings[0]?.witness).toHaveLength(30);
  });

  it('V1: one lost refund excuses its own tokens once', () => {
    const promise = 'sliding-window:5/1s';
    const lost: OperationPart = { invokedUs: 2_000, completedUs: null, outcome: 'info', cost: -5 };
    const spent = at(0.001, { cost: 5 });
    expect(judge([spent, lost, ...burst(10, 10)], { promise }).windows.total).toBe(0);
    expect(judge([spent, lost, ...burst(10, 10), ...burst(20, 10)], { promise }).windows.total).toBe(1);
  });

  const late = [...burst(1_000, 40), ...burst(1_000.1, 5, denied)];

  it('V2: a reset without an end is no excuse for long after the next decision, and no proof either', () => {
    const { verdict, accounts } = judge([at(1), ...late], { events: [resetAt(0)] });
    expect(verdict).toBe('unknown');
    expect(accounts.map(({ reason }) => reason)).toContainEqual(
      expect.stringMatching(
        /^b admitted too much, unless its reset at 0\.000 came later than the next decision/,
      ),
    );
  });

  it('V2: a reset with an end excuses nothing later', () => {
    expect(judge(late, { events: [resetAt(0, 1_000)] }).verdict).toBe('fail');
    expect(judge(late, { events: [resetAt(1_000.01, 1_000_030_000)] }).overAdmission.total).toBe(0);
    expect(judge(late, { events: [resetAt(1_000.01)] }).overAdmission.total).toBe(0);
  });

  it('V3: no bucket ever admits more than its capacity at once', () => {
    const wide = { invokedUs: 0, completedUs: 10 * S };
    expect(judge([{ ...wide, cost: 20 }]).overAdmission.total).toBe(0);
    const { overAdmission } = judge([{ ...wide, cost: 24 }]);
    expect(overAdmission).toMatchObject({ total: 1, totalExcess: 4, worst: { worstWindow: 4 } });
    expect(overAdmission.findings[0]?.inequality).toBe(
      '24 tokens admitted by one decision, where a bucket holds at most capacity 20',
    );
    expect(judge([{ ...wide, cost: 24 }], { events: [resetAt(0)] }).overAdmission.total).toBe(1);
  });

  it.each([...WINDOWS, 'fixed-window:5/1s:epoch'])('V3: nor does %s', (promise) => {
    const wide = { invokedUs: 0, completedUs: 10 * S };
    expect(judge([{ ...wide, cost: 5 }], { promise }).windows.total).toBe(0);
    expect(judge([{ ...wide, cost: 6 }], { promise }).windows.total).toBe(1);
  });
});

describe('a clock step', () => {
  const failed = at(0.5, { outcome: 'failed' });
  const drained = [...burst(1, 20), at(1.03, denied)];
  const stepBackAt = (second: number) =>
    Array.from({ length: 112 }, (_, read) => ({
      type: 'clock' as const,
      node: 'r',
      atUs: read * S,
      serverUs: 1.8e15 + read * S - (read >= second ? 5 * S : 0),
      errorUs: 20,
    }));
  const falseOf = (parts: OperationPart[], second: number, promise = 'token-bucket') => {
    const policy = promise === 'token-bucket' ? '20:5/s' : '20:20/10s';
    const history = historyOf(parts, { policy, header: { promise }, records: stepBackAt(second) });
    const { falseDenials, verdict } = checkHistory(history, { ...RULES, promise: parsePromise(promise) });
    return [falseDenials.total, verdict];
  };

  it('V4: excuses no denial that was over before it', () => {
    const denials = [10, 20, 30].map((second) => at(second, denied));
    expect(falseOf([failed, ...drained, ...denials], 110)).toEqual([3, 'fail']);
    expect(falseOf([failed, ...drained, ...denials], 26)).toEqual([2, 'fail']);
  });

  it('V4: leaves no verdict where it excuses all that requests do not explain', () => {
    expect(falseOf([failed, ...burst(1, 20), at(10, denied)], 5)).toEqual([0, 'unknown']);
    expect(falseOf([failed, ...burst(1, 20), at(1.03, denied)], 5)[0]).toBe(0);
  });

  it('V4: makes a sliding window longer only once it has come', () => {
    const promise = 'sliding-window:20/10s';
    expect(falseOf([...drained, at(13, denied)], 110, promise)[0]).toBe(1);
    expect(falseOf([...drained, at(13, denied)], 5, promise)[0]).toBe(0);
    expect(falseOf([...drained, at(11.5, denied), at(13, denied), at(17, denied)], 13, promise)[0]).toBe(2);
  });
});

describe('what came back', () => {
  const drained = burst(1, 20);
  const back = (second: number, cost: number) => at(second, { cost: -cost });
  const falseOf = (parts: OperationPart[]) => judge(parts).falseDenials.total;

  it('V5: must be there once it was answered', () => {
    expect(falseOf([...drained, back(1.1, 5), at(1.2, denied)])).toBe(1);
    expect(falseOf([...drained, at(1.2, denied)])).toBe(0);
    expect(falseOf([...drained, back(1.1, 5), ...burst(1.12, 5), at(1.2, denied)])).toBe(0);
  });

  it('V5: may be lost where it finds no room', () => {
    const wide = { invokedUs: S, completedUs: 3 * S };
    // the refund may come before the 20 are spent: then it finds a full bucket
    const spent = { ...wide, cost: 20 };
    expect(
      falseOf([spent, at(1.1, { cost: -5 }), { ...denied, invokedUs: 3 * S, completedUs: 3 * S + 10 }]),
    ).toBe(0);
  });

  it('V5: is not there before its answer, nor without one', () => {
    const slow = { invokedUs: 1.1 * S, completedUs: 1.15 * S, cost: -5 };
    expect(falseOf([...drained, slow, at(1.12, denied)])).toBe(0);
    expect(falseOf([...drained, slow, at(1.16, denied)])).toBe(1);
    const lost: OperationPart = { ...slow, completedUs: null, outcome: 'info' };
    expect(falseOf([...drained, lost, at(1.16, denied)])).toBe(0);
  });

  it('V5: a reset with an end fills the bucket', () => {
    const parts = [...drained, at(1.2, denied)];
    expect(judge(parts, { events: [resetAt(1.1, 1_150_000)] }).falseDenials.total).toBe(1);
    expect(judge(parts, { events: [resetAt(1.1)] }).falseDenials.total).toBe(0);
  });
});
