import { describe, expect, it } from 'vitest';
import { checkStartText, startTime } from './start-time.ts';

const NOON = Date.parse('2026-03-01T12:00:00Z');

const startAt = (text: string, now = NOON) =>
  new Date(startTime(text, { nowMs: now, leastMs: 5_000 })).toISOString();

describe('the start of a run', () => {
  it.each([
    { text: '12:30', want: '2026-03-01T12:30:00.000Z' },
    { text: '12:00:05', want: '2026-03-01T12:00:05.000Z' },
    { text: '23:59', want: '2026-03-01T23:59:00.000Z' },
    { text: '2026-03-01T12:30:00.250Z', want: '2026-03-01T12:30:00.250Z' },
    { text: '2026-03-01T13:30+01:00', want: '2026-03-01T12:30:00.000Z' },
    { text: '2026-03-01T12:30', want: '2026-03-01T12:30:00.000Z' },
  ])('is $want for $text', ({ text, want }) => expect(startAt(text)).toBe(want));

  it('is after midnight, if that is nearest', () =>
    expect(startAt('00:01', Date.parse('2026-03-01T23:59:30Z'))).toBe('2026-03-02T00:01:00.000Z'));

  it.each([
    {
      text: '11:59:59',
      why: /--start-at 11:59:59 is past: it is 2026-03-01T12:00:00Z by the clock of the run/,
    },
    { text: '23:59:59', now: NOON + 43_200_000, why: /is past/ },
    { text: '12:00:04', why: /is 4.0 s ahead, and a part needs 5 s to get ready/ },
    { text: '2026-03-02T12:00:01Z', why: /more than a day ahead/ },
    { text: '24:00', why: /a start is a time in UTC like 12:30/ },
    { text: '2026-02-30T25:00:00Z', why: /found "2026-02-30T25:00:00Z"/ },
    { text: '+30s', why: /found "\+30s"/ },
  ])('is refused: $text', ({ text, now = NOON, why }) => expect(() => startAt(text, now)).toThrow(why));

  it('can be checked before the clock is asked', () => {
    expect(checkStartText('12:30')).toBe('12:30');
    expect(() => checkStartText('soon')).toThrow(/found "soon"/);
  });
});
