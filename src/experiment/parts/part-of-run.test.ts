import { expect, it } from 'vitest';
import { monotonicUs } from '../../load/monotonic.ts';
import { describeStart, type PartOfRun } from './part-of-run.ts';

const START_MS = Date.UTC(2026, 2, 1, 12, 30);

/** A part that starts so many seconds from now. */
function partIn(seconds: number): PartOfRun {
  const first = { us: 0, wallMs: START_MS };
  const localUs = () => monotonicUs() + seconds * 1_000_000;
  return { startMs: START_MS, pings: { first, localUs } } as unknown as PartOfRun;
}

it.each([
  [20, '20 s'],
  [600, '10 min'],
  [4 * 3_600 + 29 * 60, '4 h 29 min'],
  [-5, '0 s'],
])('says of a start in %i s: in %s', (seconds, text) =>
  expect(describeStart(partIn(seconds))).toBe(`for the start at 2026-03-01T12:30:00.000Z, in ${text}`),
);
