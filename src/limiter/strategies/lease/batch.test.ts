import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parsePolicy } from '../../../core/policy.ts';
import { systemTime } from '../../system-surroundings.ts';
import { Batch } from './batch.ts';
import { LentBuckets } from './lent-buckets.ts';

const TERMS = { policy: parsePolicy('20:5/s'), leaseUs: 4_000_000, marginUs: 500_000 };

describe('a batch of requests', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is sent when its time is over', () => {
    const { batch, sent } = batchOf(3);
    expect(sent()).toBe(0);
    vi.advanceTimersByTime(10);
    expect(sent()).toBe(3);
    batch.close();
  });

  it('is sent at once when it is full, and its timer is cleared', () => {
    const { sent } = batchOf(256);
    expect([sent(), vi.getTimerCount()]).toEqual([256, 0]);
  });

  it('sends nothing after the close, and leaves no timer', () => {
    const { batch, sent } = batchOf(3);
    expect(vi.getTimerCount()).toBe(1);
    batch.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1_000);
    expect(sent()).toBe(0);
  });

  it('keeps no process alive while it is pending', () => {
    vi.useRealTimers();
    // The timers that keep the process alive; nothing else runs between the two counts.
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const { batch } = batchOf(1, 60_000);
    expect(timers()).toBe(before);
    batch.close();
  });
});

function batchOf(size: number, waitMs = 10) {
  const send = vi.fn();
  const batch = new Batch(systemTime, waitMs, send);
  const buckets = new LentBuckets(1);
  for (let user = 0; user < size; user++)
    batch.add(buckets.add({ user: `u${user}`, endpoint: 'search' }, TERMS, 0));
  return { batch, sent: () => send.mock.calls.length };
}
