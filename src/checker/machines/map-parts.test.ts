import { describe, expect, it } from 'vitest';
import type { OperationPart } from '../../../test/support/history.ts';
import { historyOfParts, type PartRecords, partOf } from '../../../test/support/part-history.ts';
import type { ClockReading, Event } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import { mapParts } from './map-parts.ts';
import { NodeClock } from './node-clock.ts';

const S = 1_000_000;
const EPOCH_US = 1_795_000_000_000_000;
const OPTIONS = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

const reading = (node: string, us: number, errorUs: number): ClockReading => ({
  ...{ type: 'clock', node, atUs: us, serverUs: EPOCH_US + us, errorUs },
});

/** A take that a node decides at `us`, by a clock that agrees with the machine's. */
function take(us: number, { node = 'n', ...part }: OperationPart & { node?: string } = {}): OperationPart {
  const atUs = EPOCH_US + us;
  return {
    invokedUs: us - 300,
    completedUs: us + 300,
    decision: { strategy: 'central', source: 'redis', node, atUs, bucketUs: atUs },
    ...part,
  };
}

const taken = (us: number, part: Parameters<typeof take>[1] = {}) =>
  [0, 1, 2, 3].map((at) => take(us + at * 1_000, part));

describe('the operations of parts on one axis', () => {
  it('have no times of a node that no related machine has read', () => {
    const parts: PartRecords[] = [
      { part: partOf('a'), operations: [take(1_000, { decisionId: 'x' })] },
      { part: partOf('b'), operations: [{}], records: [reading('n', 0, 100), reading('n', S, 100)] },
    ];
    const history = historyOfParts(parts);
    const { operations } = mapParts(history, history.parts as NonNullable<typeof history.parts>, {}).history;
    expect([operations.invokedUs[0], operations.lastUs(0)]).toEqual([0, 600]);
  });

  it('cost a finite headroom, also beside those of a machine that no reading relates', () => {
    const denied = take(S + 5_000, { outcome: 'denied' });
    const times = [0, S, 2 * S].map((us) => reading('n', us, 100));
    const parts: PartRecords[] = [
      { part: partOf('a'), operations: [...taken(S), denied], records: times },
      { part: partOf('b'), operations: [{}] },
    ];
    const { headroom } = checkHistory(historyOfParts(parts, { policy: '4:1/s' }), OPTIONS);
    expect(headroom?.ofClocks).toBeLessThan(1);
  });
});

describe('the events of parts', () => {
  const restart: Event = {
    ...{ type: 'event', event: 'restart', node: 'n' },
    ...{ atUs: S, args: { empty: true } },
  };
  const halves = [0, 1, 2, 3, 4].map((half) => (half * S) / 2);
  const restartsIn = (parts: readonly PartRecords[]) =>
    checkHistory(historyOfParts(parts, { policy: '4:1/s' }), OPTIONS).shards.map(
      ({ emptyRestarts }) => emptyRestarts,
    );

  it('count the restart of a node after its first decision, however badly another node is read', () => {
    const other = take(1.5 * S, { bucket: 'other', node: 'm' });
    const times = halves.flatMap((us) => [reading('n', us, 100), reading('m', us, 200_000)]);
    const part = { part: partOf('a', { of: ['a'] }), records: [...times, restart] };
    expect(restartsIn([{ ...part, operations: [...taken(0.99 * S), ...taken(1.01 * S), other] }])).toEqual([
      1, 0,
    ]);
  });

  it('count a restart that a machine saw whose clock does not tell whether it was after the first decision', () => {
    const times = halves.map((us) => reading('n', us, 100));
    const pings = halves.map(
      (us): ClockReading => ({
        ...{ type: 'clock', source: 'machine', node: 'machine-a' },
        ...{ atUs: us, serverUs: us, errorUs: 50_000 },
      }),
    );
    const seen = { part: partOf('b'), operations: [take(1.5 * S)], records: [...pings, restart] };
    const operations = [...taken(0.99 * S), ...taken(1.01 * S)];
    expect(restartsIn([{ part: partOf('a'), operations, records: times }, seen])).toEqual([1]);
  });

  it('have their earliest times in the report', () => {
    const part = { part: partOf('a', { of: ['a'] }), operations: taken(S), records: [restart] };
    const { events } = checkHistory(historyOfParts([part]), OPTIONS);
    expect(events).toEqual([{ ...restart, atUs: expect.any(Number) }]);
  });
});

describe('the clock of a node', () => {
  it('takes no longer for each of a thousand machines', { timeout: 15_000 }, () => {
    const toBase = { least: (us: number) => us, most: (us: number) => us };
    const machines = Array.from({ length: 1_000 }, (_, at) => ({
      ...{ machine: `m${at}`, toBase, decisions: [] },
      times: Array.from({ length: 40 }, (_, second) => reading('n', second * S + at, 100)),
    }));
    const clock = new NodeClock('n', machines, 0.001);
    const own = clock.by('m7', toBase);
    expect(own.most(S) - own.least(S)).toBeLessThan(3_000);
  });
});
