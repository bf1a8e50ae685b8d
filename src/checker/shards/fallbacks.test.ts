import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import type { DecisionSource } from '../../core/decision.ts';
import { boundClock } from '../clocks/bounds.ts';
import { findEpisodes } from './shard-events.ts';

const S = 1_000_000;

/** A decision from 0.1 s before to `atS`. */
const decided = (atS: number, source: DecisionSource, part: OperationPart = {}): OperationPart => ({
  invokedUs: Math.round((atS - 0.1) * S),
  completedUs: atS * S,
  region: 'eu-west',
  decision: { strategy: 'central', source, node: source === 'redis' ? 'a' : 'none' },
  ...part,
});

function shardsOf(parts: readonly OperationPart[]) {
  const history = historyOf(parts);
  const clock = { ...boundClock(history.clock), offsets: () => new Map() };
  return findEpisodes({ ...history, regions: history.header.regions }, clock).all;
}

/** A bucket of this policy takes 4 s to fill. */
const FILL_S = 4;

describe('what a failure policy decided', () => {
  it.each([
    { title: 'is nothing where the store decided', parts: [decided(1, 'redis')], want: undefined },
    {
      title: 'is nothing where it only denied',
      parts: [decided(1, 'redis'), decided(2, 'fallback', { outcome: 'denied' })],
      want: undefined,
    },
    {
      title: 'is one episode from the first admission to the last',
      parts: [decided(1, 'redis'), decided(2, 'fallback'), decided(9, 'fallback'), decided(5.5, 'fallback')],
      want: [{ region: 'eu-west', fromUs: 1.9 * S, untilUs: 9 * S, admissions: 3 }],
    },
    {
      title: 'is one of each region',
      parts: [decided(1, 'redis'), decided(2, 'fallback'), decided(3, 'fallback', { region: 'ap-south' })],
      want: [
        { region: 'eu-west', fromUs: 1.9 * S, untilUs: 2 * S, admissions: 1 },
        { region: 'ap-south', fromUs: 2.9 * S, untilUs: 3 * S, admissions: 1 },
      ],
    },
    {
      title: 'is another once a share is full again',
      parts: [decided(1, 'redis'), decided(2, 'fallback'), decided(2.2 + FILL_S, 'fallback')],
      want: [
        { region: 'eu-west', fromUs: 1.9 * S, untilUs: 2 * S, admissions: 1 },
        { region: 'eu-west', fromUs: (2.1 + FILL_S) * S, untilUs: (2.2 + FILL_S) * S, admissions: 1 },
      ],
    },
    {
      title: 'is the same until then',
      parts: [decided(1, 'redis'), decided(2, 'fallback'), decided(2 + FILL_S, 'fallback')],
      want: [{ region: 'eu-west', fromUs: 1.9 * S, untilUs: (2 + FILL_S) * S, admissions: 2 }],
    },
  ])('$title', ({ parts, want }) => {
    const shards = shardsOf(parts);
    expect(shards).toHaveLength(1);
    expect(shards[0]?.failovers).toEqual([]); // a region that fell back is not a node
    expect(shards[0]?.fallbacks).toEqual(want);
  });
});
