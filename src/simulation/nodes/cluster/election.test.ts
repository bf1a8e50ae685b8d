import { describe, expect, it } from 'vitest';
import { Election } from './election.ts';
import type { BusMessage } from './messages.ts';
import { SlotSet } from './slot-set.ts';
import { View } from './view.ts';

const NODES = ['a', 'b', 'c', 'a1', 'a2'];
const THIRD = Math.ceil(16_384 / 3);

/** The election of one node among three primaries and two replicas of the first, which has failed. */
function electionOf(self: string, { random = 0.5, offset = 100, ageS = 0 } = {}) {
  const view = new View(self, NODES);
  for (let slot = 0; slot < 16_384; slot++) view.table.give(slot, NODES[Math.floor(slot / THIRD)] ?? '');
  for (const name of ['a1', 'a2']) view.get(name).primary = view.get('a');
  view.get('a').isFailed = true;
  [view.currentEpoch, view.size] = [5, 3];
  const seen: string[] = [];
  const clock = { nowMs: 1_000_000 };
  const election = new Election({
    ...{ view, nodeTimeoutMs: 2_000, nowMs: () => clock.nowMs, random: () => random },
    ...{ offset: () => offset, ageS: () => ageS },
    askVotes: () => seen.push(`asks in ${view.currentEpoch}`),
    vote: ({ name }) => seen.push(`votes for ${name}`),
    tellOffset: () => {},
    askToHold: () => {},
    win: () => {
      seen.push('wins');
      view.self.primary = undefined;
    },
    changed: () => {},
  });
  const pass = (forMs: number) => {
    for (const endMs = clock.nowMs + forMs; clock.nowMs < endMs; clock.nowMs += 100) election.cron();
  };
  const request = (from: string, currentEpoch: number): BusMessage & { type: 'ask-vote' } => {
    view.currentEpoch = Math.max(view.currentEpoch, currentEpoch); // as every message does
    const slots = new SlotSet([{ from: 0, to: THIRD - 1 }]);
    const header = { sender: from, currentEpoch, configEpoch: 1, slots, replicationOffset: 100 };
    return { ...header, type: 'ask-vote', forced: false };
  };
  return { view, election, seen, clock, pass, request };
}

describe('an election', () => {
  it.each([
    { title: 'without delay by chance', random: 0, offset: 100, askedMs: 500 },
    { title: 'with half a second by chance', random: 0.999, offset: 100, askedMs: 999 },
    { title: 'a second later with less data than another', random: 0, offset: 50, askedMs: 1_500 },
  ])('begins $title', ({ random, offset, askedMs }) => {
    const { view, seen, pass } = electionOf('a1', { random, offset });
    view.get('a2').offset = 80;
    pass(Math.floor(askedMs / 100) * 100);
    expect(seen).toEqual([]);
    pass(200);
    expect(seen).toEqual(['asks in 6']);
  });

  it('is won with two of three votes', () => {
    const { view, election, seen, pass } = electionOf('a1');
    pass(1_000);
    election.voted(view.get('b'), 6);
    election.voted(view.get('a2'), 6); // a replica has no vote
    expect(seen).toEqual(['asks in 6']);
    election.voted(view.get('c'), 6);
    expect(seen).toEqual(['asks in 6', 'wins']);
    expect(view.self.configEpoch).toBe(6);
  });

  it('that is not won is repeated eight seconds after its start', () => {
    const { seen, pass } = electionOf('a1', { random: 0 });
    pass(9_000);
    expect(seen).toEqual(['asks in 6']);
    pass(300);
    expect(seen).toEqual(['asks in 6', 'asks in 7']);
  });

  it('does not begin with data older than ten node timeouts and ten seconds', () => {
    const old = electionOf('a1', { ageS: 33 });
    old.pass(2_000);
    expect(old.seen).toEqual([]);
    const young = electionOf('a1', { ageS: 32 });
    young.pass(2_000);
    expect(young.seen).toEqual(['asks in 6']);
  });

  it('gets one vote of a primary in an epoch, and one for the same shard in four seconds', () => {
    const { view, election, seen, clock, request } = electionOf('b');
    election.asked(view.get('a1'), request('a1', 6));
    election.asked(view.get('a2'), request('a2', 6));
    election.asked(view.get('a2'), request('a2', 7));
    expect(seen).toEqual(['votes for a1']);
    clock.nowMs += 4_000;
    election.asked(view.get('a2'), request('a2', 8));
    expect(seen).toEqual(['votes for a1', 'votes for a2']);
  });

  it('gets no vote while the primary is up, or for an old configuration', () => {
    const { view, election, seen, request } = electionOf('b');
    view.get('a').isFailed = false;
    election.asked(view.get('a1'), request('a1', 6));
    view.get('a').isFailed = true;
    view.get('a').configEpoch = 2;
    election.asked(view.get('a1'), request('a1', 7));
    expect(seen).toEqual([]);
  });
});
