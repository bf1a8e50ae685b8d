import { expect, it } from 'vitest';
import type { FaultRecord } from '../../history/records/operation.ts';
import { faultSpans } from './moments.ts';

const kill = (phase: FaultRecord['phase'], node: string, atS: number): FaultRecord => ({
  type: 'fault',
  fault: 'kill',
  phase,
  atUs: atS * 1_000_000,
  args: { node },
});

it('a fault ends where it was healed, and not where another of its kind was', () => {
  const faults = [
    kill('inject', 'us-east-0', 1),
    kill('inject', 'eu-west-0', 3),
    kill('heal', 'eu-west-0', 5),
    kill('heal', 'us-east-0', 11),
  ];
  const spans = faultSpans(faults).map(({ how, fromUs, untilUs }) => [
    how,
    fromUs / 1e6,
    (untilUs ?? 0) / 1e6,
  ]);
  expect(spans).toEqual([
    ['node us-east-0', 1, 11],
    ['node eu-west-0', 3, 5],
  ]);
});
