import { describe, expect, it } from 'vitest';
import { LEASE_SWITCHES, type LeaseSwitches } from '../../src/limiter/strategies/lease/protocol.ts';
import { explore, describe as show } from '../support/explore.ts';
import { EXPLORED, WITHOUT, without } from '../support/lease/configurations.ts';
import { leaseModel } from '../support/lease/model.ts';

/*
 * Every reachable state of small configurations of the lease protocol, by the code that ships (src/limiter/lease);
 * test/support/lease/model.ts says what the world around it can do. The oracle is one exact bucket from which every
 * admission is taken at its true time.
 */
describe('the lease protocol', () => {
  it.each(EXPLORED)('admits what one bucket would: %s', { timeout: 900_000 }, (_, settings) => {
    const exploration = explore(leaseModel(settings));
    expect(exploration.violation, show(exploration)).toBeUndefined();
    expect(exploration.states).toBeGreaterThan(1_000);
  });
});

/** The shortest way to go wrong without each rule: how many steps, what is seen, and a step that it needs. */
const FOUND: Readonly<Record<keyof LeaseSwitches, { steps: number; needs: RegExp }>> = {
  outstandingTakesRoom: { steps: 6, needs: /a tick/ },
  returnsLeaveFirst: { steps: 7, needs: /A: admits 1.*\n.*returned 1/ },
  usedIsCumulative: { steps: 13, needs: /handles request 1\.2 (.*)\n.*handles request 1\.2 / },
  endedAccountsStayEnded: {
    steps: 8,
    needs: /handles request 1\.2 .*ended(.*\n)*.*handles request 1\.2 .*ended/,
  },
  termBeginsAtSending: { steps: 8, needs: /a tick(.*\n)*.*receives/ },
  termIsReadAtEveryDecision: { steps: 8, needs: /a tick/ },
  holderClockIsMonotonic: { steps: 10, needs: /its clock steps back/ },
  repeatedByTheSameNumber: { steps: 4, needs: /asks again/ },
  keyOutlivesAccounts: { steps: 6, needs: /a tick/ },
  keyOutlivesRefill: { steps: 9, needs: /clock of A loses/ },
  takenBackAfterMargin: { steps: 7, needs: /clock of A loses/ },
  unknownIsSpent: { steps: 8, needs: /admits 1, left 0/ },
  grantsAreAcked: { steps: 6, needs: /unacked(.*\n)*.*failover/ },
  grantedIsAsHomeHasIt: { steps: 15, needs: /handles request 1\.1 .*granted 1.*\n.*handles request 1\.2 / },
  repeatsAreWritten: { steps: 11, needs: /asks again/ },
  restartIsAnotherHolder: { steps: 8, needs: /crashes and starts again/ },
};

describe('without one rule the exploration finds the shortest way to go wrong', () => {
  it.each(Object.keys(FOUND) as (keyof LeaseSwitches)[])('%s', { timeout: 900_000 }, (rule) => {
    const exploration = explore(leaseModel(without(rule)));
    const text = show(exploration);
    const { steps, needs } = FOUND[rule];
    expect(exploration.violation?.what, text).toMatch(
      rule === 'repeatedByTheSameNumber'
        ? /home keeps 2 tokens .* asked for 1 and has heard nothing/
        : /were admitted/,
    );
    expect(exploration.violation?.path, text).toHaveLength(steps);
    expect(text).toMatch(needs);
  });

  /** The largest of them is among those that `npm run soak` explores. */
  const withAll = Object.entries(WITHOUT).filter(([rule]) => rule !== 'grantedIsAsHomeHasIt');
  it.each(withAll)('and none where it holds: %s', { timeout: 900_000 }, (_, settings) => {
    const exploration = explore(leaseModel({ ...settings, switches: LEASE_SWITCHES }));
    expect(exploration.violation, show(exploration)).toBeUndefined();
    expect(exploration.states).toBeGreaterThan(300);
  });
});

describe('the explorer', () => {
  /** Two counters that add 1 or 3, and must not both be 4. */
  const counters = {
    initial: [[0, 0]],
    *next([a = 0, b = 0]: number[]) {
      if (a < 6) yield { action: 'a + 1', state: [a + 1, b] };
      if (a < 6) yield { action: 'a + 3', state: [a + 3, b] };
      if (b < 6) yield { action: 'b + 3', state: [a, b + 3] };
    },
    encode: (state: number[]) => state.join(),
    rank: () => 0,
    violation: ([a]: number[]) => (a === 5 ? 'a is 5' : undefined),
  };
  it('finds a shortest path, and says it step by step', () => {
    const { violation } = explore(counters);
    expect(violation?.path).toHaveLength(3);
    expect(show(explore(counters))).toMatch(/a is 5\n {2}1\. a \+ 1\n {2}2\. a \+ 1\n {2}3\. a \+ 3$/);
  });
  it('visits every state once where nothing is wrong', () => {
    const exploration = explore({ ...counters, violation: () => undefined });
    expect(exploration).toEqual({ states: 27, transitions: 54, depth: 6, isCut: false });
  });
  it('sees what is wrong with a state that reads like one seen before', () => {
    const violation = ([a, b]: number[]) => (a === 4 && b === 0 ? 'a is 4' : undefined);
    const model = { ...counters, encode: ([a = 0, b = 0]: number[]) => String(a + b), violation };
    expect(explore(model).violation?.path).toEqual(['a + 1', 'a + 3']);
  });
  it('says when it was cut', () =>
    expect(explore({ ...counters, violation: () => undefined }, { maxStates: 5 }).isCut).toBe(true));
});
