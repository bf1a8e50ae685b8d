import { describe, expect, it } from 'vitest';
import type { OperationPart } from '../../../test/support/history.ts';
import { historyOfParts, partOf } from '../../../test/support/part-history.ts';
import type { ClockReading, Event } from '../../history/records/operation.ts';
import { boundOf } from '../../limiter/strategies/bounds.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;
const EPOCH_US = 1_795_000_000_000_000;
const MOVED_US = 45 * S;

/** A clock that has one drift until the bucket moves, and the opposite one from then on; in ppm. */
const clockOf = (ppm: number) => (us: number) => {
  const driftUs = (Math.min(us, MOVED_US) - Math.max(0, us - MOVED_US)) * (ppm / 1e6);
  return Math.floor(EPOCH_US + us + driftUs);
};

/** The bucket moves from the node a, which drifts so until then, to c, which drifts so from then on. */
function judged(ppm: number, last: { readonly atUs: number; readonly outcome: 'allowed' | 'denied' }) {
  const clocks = { a: clockOf(ppm), c: clockOf(-ppm) };
  const take = (node: 'a' | 'c', us: number, part: OperationPart): OperationPart => ({
    ...{ invokedUs: us - 300, completedUs: us + 300, ...part },
    decision: { strategy: 'central', source: 'redis', node, atUs: clocks[node](us) },
  });
  const move: Event = {
    ...{ type: 'event', event: 'move', atUs: MOVED_US },
    args: { bucket: 'b', from: 'x', to: 'y', move: 1, untilUs: MOVED_US + 1_000 },
  };
  const readings = Array.from({ length: 400 }, (_, at) => ((at - 4) * S) / 4).flatMap((us) =>
    (['a', 'c'] as const).map(
      (node): ClockReading => ({
        ...{ type: 'clock', node, atUs: us, serverUs: clocks[node](us), errorUs: 100 },
      }),
    ),
  );
  const { atUs, outcome } = last;
  const part = {
    part: partOf('a', { of: ['a'] }),
    operations: [take('a', 0, { cost: 1_000 }), take('c', atUs, { cost: 900, outcome })],
    records: [...readings, move],
  };
  return checkHistory(historyOfParts([part], { policy: '1000:10/s' }), {
    ...{ busiest: [], contestedAtLeast: 0, infoAtMost: 1, falseDenialsAtMost: 0 },
    boundOf: (policy, episodes) => boundOf('central', policy, episodes),
  });
}

describe('a bucket that moved between nodes whose clocks parted', () => {
  it('may have what both clocks gained while it was theirs', () => {
    const [shard] = judged(499, { atUs: 89.956 * S, outcome: 'allowed' }).shards;
    expect(shard?.largestExcess.tokens).toBeGreaterThan(0.4);
    expect(shard?.bound?.totalExcess).toBeGreaterThan(shard?.largestExcess.tokens ?? 0);
    expect(shard?.bound?.totalExcess).toBeLessThan(1);
  });

  it('may lack what both clocks lost while it was theirs', () => {
    expect(judged(-499, { atUs: 90.03 * S, outcome: 'denied' }).falseDenials.total).toBe(0);
    expect(judged(-499, { atUs: 90.2 * S, outcome: 'denied' }).falseDenials.total).toBe(1);
  });
});
