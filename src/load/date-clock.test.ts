import { describe, expect, it } from 'vitest';
import { historyOf } from '../../test/support/history.ts';
import { checkHistory } from '../checker/check.ts';
import { parsePromise } from '../core/promise.ts';
import type { ClockReading } from '../history/records/operation.ts';
import { readerOf } from './outcome.ts';
import { Recorder } from './recorder.ts';

const S = 1_000_000;
const READ = readerOf({ of: 'any', allow: '200', deny: '429', haveDate: true });

describe('the Date of replies', () => {
  it('is a reading, one a second for each region, and no part of the operation', () => {
    const [operations, readings]: [object[], ClockReading[]] = [[], []];
    const recorder = new Recorder(
      (operation) => operations.push(operation),
      (reading) => readings.push(reading),
    );
    for (const region of ['a', 'a', 'b']) {
      const open = recorder.invoke({ bucket: 'k', user: 'u', region, process: 0, cost: 1 });
      recorder.complete(open, READ(200, ['DATE', 'Fri, 15 Jan 2027 08:00:00 GMT'], ''));
    }
    expect(operations.every((operation) => !('dateUs' in operation))).toBe(true);
    expect(readings.map(({ node, source }) => [node, source])).toEqual([
      ['a', 'date'],
      ['b', 'date'],
    ]);
    expect(readings[0]?.serverUs).toBe(1_800_000_000.5 * S);
    expect(readings[0]?.errorUs).toBeGreaterThanOrEqual(2.5 * S);
  });

  it.each([{ headers: [] }, { headers: ['date', 'yesterday'] }])(
    'of $headers says nothing',
    ({ headers }) => {
      expect(READ(200, headers, '')).toEqual({ outcome: 'allowed', status: 200 });
    },
  );

  it('places windows of the epoch, within 2.5 s, and gives no rates', () => {
    const promise = parsePromise('fixed-window:3/60s:epoch');
    /** A recorder that began 20 s into a window of 60 s. */
    const judged = (atS: number, records: ClockReading[]) =>
      checkHistory(
        historyOf(
          Array.from({ length: 4 }, (_, at) => ({ invokedUs: at < 2 ? 5 * S : atS * S })),
          { header: { clocks: 'apart' }, records },
        ),
        { busiest: [], contestedAtLeast: 0, infoAtMost: 1, promise },
      );
    const date: ClockReading = {
      ...{ type: 'clock', node: 'a', atUs: 0, source: 'date' },
      ...{ serverUs: 1_800_000_020.5 * S, errorUs: 2.5 * S },
    };
    expect(judged(36, [date]).windows.total).toBe(1);
    expect(judged(38, [date]).windows.total).toBe(0);
    expect(judged(36, []).windows.total).toBe(0);
    expect(judged(36, [date]).clock).toMatchObject({ epsilonUs: 1_000, rhoPpm: 1_000 });
    expect(judged(36, [date]).assumptions).toContain(
      "the Date of replies is taken as the limiter's clock, with an error of at most 2 s",
    );
  });
});
