import { describe, expect, it } from 'vitest';
import type { Vote } from './messages.ts';
import type { Peer } from './peers.ts';
import { Votes } from './votes.ts';

/** Other Sentinels with these votes. */
const peersOf = (...votes: (Vote | undefined)[]) => votes.map((vote) => ({ vote }) as Peer);
const QUORUM = 2;

function votesOf(currentEpoch: number) {
  const given: string[] = [];
  const votes = new Votes('me', () => given.push('away'));
  votes.hear(currentEpoch);
  return { votes, given };
}

describe('the votes of a Sentinel', () => {
  it('are one for each epoch, for the first that asks', () => {
    const { votes, given } = votesOf(0);
    expect(votes.give('other', 1)).toEqual({ leader: 'other', epoch: 1 });
    expect(votes.give('third', 1)).toEqual({ leader: 'other', epoch: 1 });
    expect(votes.give('third', 2)).toEqual({ leader: 'third', epoch: 2 });
    expect(votes.give('other', 1)).toEqual({ leader: 'third', epoch: 2 });
    expect(given).toEqual(['away', 'away']);
  });

  it.each<{ title: string; peers: readonly Peer[]; quorum?: number; isLeader: boolean }>([
    { title: 'alone of three', peers: peersOf(undefined, undefined), isLeader: false },
    {
      title: 'with one other of three',
      peers: peersOf({ leader: 'me', epoch: 1 }, undefined),
      isLeader: true,
    },
    {
      title: 'with one of an earlier epoch',
      peers: peersOf({ leader: 'me', epoch: 0 }, undefined),
      isLeader: false,
    },
    {
      title: 'against a majority',
      peers: peersOf({ leader: 'x', epoch: 1 }, { leader: 'x', epoch: 1 }),
      isLeader: false,
    },
    {
      title: 'with a majority below the quorum',
      peers: peersOf({ leader: 'me', epoch: 1 }, undefined),
      ...{ quorum: 3, isLeader: false },
    },
    { title: 'alone of one', peers: [], quorum: 1, isLeader: true },
  ])('make it the leader only with enough of them: $title', ({ peers, quorum = QUORUM, isLeader }) => {
    expect(votesOf(1).votes.isLeader(1, peers, quorum)).toBe(isLeader);
  });
});
