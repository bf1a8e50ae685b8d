import { describe, expect, it } from 'vitest';
import type { OperationPart } from '../../../test/support/history.ts';
import { historyOfParts, type PartRecords, partOf } from '../../../test/support/part-history.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { mapParts } from './map-parts.ts';

const S = 1_000_000;
const EPOCH_US = 1_795_000_000_000_000;

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
});
