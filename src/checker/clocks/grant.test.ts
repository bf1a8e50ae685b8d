import { describe, expect, it } from 'vitest';
import { historyOf } from '../../../test/support/history.ts';
import { parsePromise } from '../../core/promise.ts';
import { checkHistory } from '../check.ts';
import type { CheckOptions } from '../check-options.ts';

const options: CheckOptions = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
const READING = { type: 'clock', node: 'n', atUs: 0, serverUs: 0, errorUs: 0 } as const;
const UNSAID = { clocks: undefined as never };

/** Of a bucket 20:5/s that admitted 21 within so many milliseconds, where an ideal one takes 200 for the last. */
function judged(
  ms: number,
  {
    header = {},
    records = [],
    ...more
  }: Partial<Parameters<typeof historyOf>[1]> & Partial<CheckOptions> = {},
) {
  const parts = Array.from({ length: 21 }, (_, index) => ({ invokedUs: index === 20 ? 1_000 * ms : 0 }));
  return checkHistory(historyOf(parts, { header, records }), { ...options, ...more });
}

describe('the clock that a limiter decides on', () => {
  it.each([
    { title: 'nothing, where it is the recorder’s', needsMs: 200, options: { header: { clocks: 'one' } } },
    { title: 'a millisecond, where it was not read', needsMs: 199, options: { header: UNSAID } },
    {
      title: 'a millisecond and the drift, if it is apart from the recorder’s',
      needsMs: 198.802,
      options: { header: { clocks: 'apart' } },
    },
    {
      title: 'a slew since it was read, where it was',
      needsMs: 199.8,
      options: { header: UNSAID, records: [READING] },
    },
    {
      title: 'the slack of the header as well as readings',
      needsMs: 189.81,
      options: { header: { clockSlackUs: 10_000 }, records: [READING] },
    },
    {
      title: 'what the user says',
      needsMs: 150,
      options: { header: { ...UNSAID, clockSlackUs: 10_000 }, clockSlack: { us: 50_000, isWidened: false } },
    },
    {
      title: 'nothing, where the user says so',
      needsMs: 200,
      options: { header: UNSAID, clockSlack: { us: 0, isWidened: false } },
    },
  ] as const)('is granted $title', ({ needsMs, options }) => {
    expect(judged(needsMs, options).overAdmission.buckets).toBe(0);
    expect(judged(needsMs - 0.01, options).overAdmission.buckets).toBe(1);
  });

  it('is granted a millisecond of refill that it has not seen, before a denial is false', () => {
    const denied = (ms: number, header: object) =>
      checkHistory(
        historyOf(
          [
            ...Array.from({ length: 20 }, () => ({ invokedUs: 0 })),
            { invokedUs: 1_000 * ms, outcome: 'denied' as const },
          ],
          { header },
        ),
        options,
      ).falseDenials.total;
    expect([denied(200, { clocks: 'one' }), denied(200, UNSAID), denied(201, UNSAID)]).toEqual([1, 0, 1]);
  });

  it.each([
    { title: 'nothing of one that was read', options: { records: [READING], header: UNSAID }, want: [] },
    { title: 'nothing of one that is the recorder’s', options: {}, want: [] },
    {
      title: 'a millisecond, and what that hides',
      options: { header: UNSAID },
      want: [
        "the limiter's clock was not read: 1 ms of resolution is granted; an excess below 0.005 tokens in one window cannot be seen",
      ],
    },
    {
      title: 'the drift as well',
      options: { header: { clocks: 'apart' } },
      want: [
        "the limiter's clock was not read: 1 ms of resolution and 0.1% of drift are granted; an excess below 0.005 tokens in one window cannot be seen",
      ],
    },
    {
      title: 'what the user says, and what that hides',
      options: { header: UNSAID, clockSlack: { us: 2_000_000, isWidened: false } },
      want: [
        "the limiter's clock was not read: 2 s of resolution are granted; an excess below 10 tokens in one window cannot be seen",
      ],
    },
    {
      title: 'a log that was widened at both ends',
      options: { header: UNSAID, clockSlack: { us: 50_000, isWidened: true } },
      want: [
        'each end of an interval is widened by 50 ms, because the clocks may differ: an excess below 0.5 tokens in one window cannot be seen',
      ],
    },
    {
      title: 'the slack of the header and readings',
      options: { header: { clockSlackUs: 1_000 }, records: [READING] },
      want: [
        "the limiter's own clock may be coarser than those read: 1 ms of resolution is granted; an excess below 0.005 tokens in one window cannot be seen",
      ],
    },
    {
      title: 'what it hides of a window',
      options: { header: UNSAID, promise: parsePromise('sliding-window:3/10s') },
      want: [
        "the limiter's clock was not read: 1 ms of resolution is granted; an excess that lies only in the last 1 ms of a window cannot be seen",
      ],
    },
  ] as const)('is assumed: $title', ({ options, want }) => {
    expect(judged(200, options).assumptions).toEqual(want);
  });
});
