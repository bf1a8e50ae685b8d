import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import { parseClaim } from '../claims/claim.ts';

const S = 1_000_000;
const EPOCH_US = 1_700_000_000 * S;

/** How far a node's clock is off at a time of the recorder. Microseconds. */
type Offset = (us: number) => number;

/** Back by 30 s from 5 s on, and ahead again at 13.4 s. */
const backAndAhead: Offset = (us) => (us >= 5 * S && us < 13.4 * S ? -30 * S : 0);

/** One decision each 0.1 s for 20 s, on two buckets of a node with this clock. A denial writes nothing. */
function decided(offset: Offset, form: 'own time' | 'goes back' | 'no time' | 'repeated'): OperationPart[] {
  const storedUs = [0, 0];
  return Array.from({ length: 200 }, (_, at): OperationPart => {
    const invokedUs = at * 0.1 * S;
    const atUs = EPOCH_US + invokedUs + offset(invokedUs);
    const isAdmitted = at % 20 < 2;
    const bucketUs = form === 'goes back' ? atUs : Math.max(atUs, storedUs[at % 2] ?? 0);
    if (isAdmitted) storedUs[at % 2] = bucketUs;
    const time = form === 'no time' ? {} : { bucketUs, levelQuanta: 5 * S };
    return {
      ...{ bucket: `b${at % 2}`, invokedUs, completedUs: invokedUs + 1_000 },
      outcome: isAdmitted ? 'allowed' : 'denied',
      decision: { strategy: 'central', node: 'n', source: 'redis', atUs, ...time },
      ...(form === 'repeated' && { decisionId: `d${at % 2}` }),
    };
  });
}

function readings(offset: Offset, node = 'n'): ClockReading[] {
  return Array.from({ length: 81 }, (_, at) => {
    const atUs = at * 0.25 * S;
    return { type: 'clock', node, atUs, serverUs: EPOCH_US + atUs + offset(atUs), errorUs: 100 };
  });
}

function notesOf(parts: readonly OperationPart[], records: readonly ClockReading[]) {
  const history = historyOf(parts, { policy: '1000:1000/s', records });
  const claims = ['total-excess <= 0', 'false-denials <= 0'].map(parseClaim); // both: none is left without a claim
  return checkHistory(history, { busiest: [], claims }).notes;
}

describe('a note says that a clock stepped', () => {
  it('back, and for how long its buckets gained nothing', () => {
    const [note, ...more] = notesOf(decided(backAndAhead, 'own time'), readings(backAndAhead)) ?? [];
    expect(more).toEqual([]);
    expect(note).toMatch(
      /^the clock of n stepped back 30 s \(seen at 5 s\), ahead 30 s \(seen at 13\.[45] s\): 2 of its buckets gained nothing in the meantime, one of them for at least 8\.1 s$/,
    );
  });

  it('back, and that they waited until it had caught up with their last write', () => {
    const back: Offset = (us) => (us >= 5 * S ? -2 * S : 0);
    expect(notesOf(decided(back, 'own time'), readings(back))).toEqual([
      expect.stringMatching(/ stepped back 2 s \(seen at 5 s\): 2 of .*, one of them for at least 0\.9 s$/),
    ]);
  });

  it.each([
    { title: 'their times go back too', form: 'goes back' },
    { title: 'no reply says the time of its bucket', form: 'no time' },
    { title: 'each reply may repeat an earlier one', form: 'repeated' },
  ] as const)('back, and nothing of its buckets where $title', ({ form }) => {
    expect(notesOf(decided(backAndAhead, form), readings(backAndAhead))).toEqual([
      expect.stringMatching(/ stepped back 30 s \(seen at 5 s\), ahead 30 s \(seen at 13\.[45] s\)$/),
    ]);
  });

  it('ahead', () => {
    const ahead: Offset = (us) => (us >= 5 * S ? 0.05 * S : 0);
    expect(notesOf(decided(ahead, 'own time'), readings(ahead))).toEqual([
      expect.stringMatching(/^the clock of n stepped ahead 50 ms \(seen at 5 s\)$/),
    ]);
  });

  it('of each of a few nodes, and how many more', () => {
    const nodes = ['a', 'b', 'c', 'd', 'e', 'f'];
    const notes = notesOf(
      [{}],
      nodes.flatMap((node) => readings(backAndAhead, node)),
    );
    expect(notes).toHaveLength(5);
    expect(notes?.at(-1)).toBe('so did the clocks of 2 more nodes');
  });
});

it('a run whose clocks never stepped has no such note', () => {
  const steady: Offset = (us) => us * 1e-5;
  expect(notesOf(decided(steady, 'own time'), readings(steady))).toBeUndefined();
});
