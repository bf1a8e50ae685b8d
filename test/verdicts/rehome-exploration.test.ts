import { describe, expect, it } from 'vitest';
import { REHOME_SWITCHES, type RehomeSwitches } from '../../src/limiter/rehome/protocol.ts';
import { explore, describe as show } from '../support/explore.ts';
import { EXPLORED, WITHOUT, without } from '../support/rehome/configurations.ts';
import { rehomeModel } from '../support/rehome/model.ts';

/*
 * Every reachable state of small configurations of moves between homes. test/support/rehome/key.ts has the steps, and is
 * compared with the scripts in test/redis/rehome-agrees.test.ts; actions.ts says what can happen around them. The oracle
 * is one exact bucket from which every admission is taken at its true time. In each state it is also tried whether
 * repeating the moves brings the bucket back.
 */
describe('the moves of a bucket', () => {
  it.each(EXPLORED)('admit what one bucket would: %s', { timeout: 300_000 }, (_, settings) => {
    const exploration = explore(rehomeModel(settings));
    expect(exploration.violation, show(exploration)).toBeUndefined();
    expect(exploration.states).toBeGreaterThan(50);
  });
});

/** The shortest way to go wrong without each rule: how many steps, and a step that it needs. */
const FOUND: Readonly<Record<keyof RehomeSwitches, { steps: number; needs: RegExp }>> = {
  closesFirst: { steps: 4, needs: /begins(.*\n)*.*B: admits/ },
  leavesMark: { steps: 6, needs: /leave: done(.*\n)*.*A: admits/ },
  levelTravels: { steps: 7, needs: /open: done/ },
  wayAddsNoRefill: { steps: 7, needs: /leave: done.*\n.*open: done/ },
  opensOnlyWhatItClosed: { steps: 8, needs: /open: done(.*\n)*.*open: done/ },
  openedStaysOpen: { steps: 9, needs: /open: done(.*\n)*.*close: done/ },
  lowerIsRefused: { steps: 12, needs: /move 2, .*leave: done.*\n.*move 1, .*close: done/ },
  repeatAnswersTheSame: { steps: 8, needs: /leave: done.*\n.*leave: done/ },
  leavesForOne: { steps: 11, needs: /A to B: leave: done(.*\n)*.*A to C: leave: repeated/ },
  leavesOnce: { steps: 11, needs: /move 1, .*leave: done(.*\n)*.*move 2, .*leave: done/ },
  closedStays: { steps: 9, needs: /move 1, A to B: close(.*\n)*.*move 2, B to C: leave: done/ },
  cancelLeavesMark: { steps: 10, needs: /leave: away.*\n.*cancel: done/ },
  resetKeepsMarks: { steps: 6, needs: /reset/ },
  markOutlivesRefill: { steps: 8, needs: /leave: done.*\n.*a tick/ },
  stepsAreAcked: { steps: 8, needs: /open: done.*\n.*failover/ },
  repeatsAreWritten: { steps: 10, needs: /leave: done.*\n.*leave: repeated(.*\n)*.*failover/ },
  waitsForLent: { steps: 9, needs: /lends 1.*\n.*leave: done/ },
  renewsNoTerm: { steps: 12, needs: /leave: lent(.*\n)*.*the holder of A renews/ },
};

describe('without one rule the exploration finds the shortest way to go wrong', () => {
  it.each(Object.keys(FOUND) as (keyof RehomeSwitches)[])('%s', { timeout: 300_000 }, (rule) => {
    const exploration = explore(rehomeModel(without(rule)));
    const text = show(exploration);
    const { steps, needs } = FOUND[rule];
    expect(exploration.violation?.what, text).toMatch(/were admitted/);
    expect(exploration.violation?.path, text).toHaveLength(steps);
    expect(text).toMatch(needs);
  });

  it.each(Object.entries(WITHOUT))('and none where it holds: %s', { timeout: 300_000 }, (_, settings) => {
    const exploration = explore(rehomeModel({ ...settings, switches: REHOME_SWITCHES }));
    expect(exploration.violation, show(exploration)).toBeUndefined();
  });
});
