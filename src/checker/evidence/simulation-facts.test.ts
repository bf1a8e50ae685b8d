import { describe, expect, it } from 'vitest';
import { historyOf } from '../../../test/support/history.ts';
import { type Event, OUTSIDE_EVENT } from '../../history/records/operation.ts';
import { judgeHistory } from '../judge-history.ts';

const outside = (args: NonNullable<Event['args']>): Event => ({
  type: 'event',
  event: OUTSIDE_EVENT,
  atUs: 0,
  args,
});
const CLOCK = outside({ used: 'Date.now' });
const RANDOM = outside({ used: 'Math.random', harmless: true });

/** A simulation with so many admissions at once of a bucket of 20 tokens, and denials, and these events. */
function judged(admissions: number, records: readonly Event[]) {
  const parts = Array.from({ length: admissions + 10 }, (_, at) => ({
    invokedUs: 1_000,
    completedUs: 1_000,
    outcome: at < admissions ? ('allowed' as const) : ('denied' as const),
  }));
  const header = { simulated: true, strategy: 'plugin:mine.mjs' } as const;
  const report = judgeHistory(historyOf(parts, { header, records }), { promise: 'token-bucket' });
  const correctness = report.claims.filter(({ kind }) => kind === 'correctness');
  return { ...report, statuses: new Set(correctness.map(({ status }) => status)) };
}

describe('a limiter that left its simulation', () => {
  it.each([
    { title: 'keeps', admissions: 20, verdict: 'pass' },
    { title: 'breaks', admissions: 21, verdict: 'fail' },
  ])('is neither acquitted nor convicted where it $title its promise', ({ admissions, verdict }) => {
    expect(judged(admissions, []).verdict).toBe(verdict);
    const left = judged(admissions, [CLOCK, outside({ used: 'setTimeout' }), CLOCK]);
    expect([left.verdict, ...left.statuses]).toEqual(['unknown', 'unknown']);
    const why =
      'cannot decide: plugin:mine.mjs used Date.now, setTimeout outside virtual time, so the times of its operations are not those of its decisions';
    expect(left.outside).toEqual([why]);
    expect(left.accounts).toContainEqual({ verdict: 'unknown', reason: why });
    expect(left.proofs).toMatchObject({ proved: 0, convicted: 0, open: 1 });
    expect(left.events).toEqual([]);
  });

  it('is judged if it used random numbers alone, with a note', () => {
    const { verdict, notes, outside: left } = judged(20, [RANDOM]);
    expect([verdict, left]).toEqual(['pass', undefined]);
    expect(notes).toContain(
      'plugin:mine.mjs used Math.random, which the seed does not determine: the verdict is of this history, and the same seed gives another one',
    );
    expect(judged(21, [RANDOM]).verdict).toBe('fail');
    expect(judged(21, [RANDOM, CLOCK]).verdict).toBe('unknown');
  });

  it('is named in safe words', () => {
    const [why = ''] = judged(20, [outside({ used: `x\n::error::${'y'.repeat(1_000)}` })]).outside ?? [];
    expect(why).not.toContain('\n');
    expect(why.length).toBeLessThan(300);
  });
});
