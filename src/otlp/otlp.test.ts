import { describe, expect, it } from 'vitest';
import type { FaultRecord } from '../history/records/operation.ts';
import { faultsOf } from './run-spans.ts';
import { chooseStepUs } from './series.ts';

describe('the step of a series', () => {
  it.each([
    { lengthS: 0, stepS: 1 },
    { lengthS: 20, stepS: 1 },
    { lengthS: 300, stepS: 1 },
    { lengthS: 301, stepS: 2 },
    { lengthS: 3_600, stepS: 15 },
    { lengthS: 400 * 3_600, stepS: 2 * 3_600 },
  ])('of $lengthS s is $stepS s', ({ lengthS, stepS }) =>
    expect(chooseStepUs(lengthS * 1_000_000)).toBe(stepS * 1_000_000),
  );
});

describe('the faults of a run', () => {
  const record = (phase: FaultRecord['phase'], atUs: number, node?: string): FaultRecord => ({
    ...{ type: 'fault', fault: 'kill', phase, atUs },
    ...(node && { args: { node } }),
  });

  it('are told apart by their arguments, and settle once the last is healed', () => {
    const faults = [
      ...[record('inject', 1, 'a'), record('inject', 2, 'b'), record('heal', 3, 'b')],
      ...[record('heal', 5, 'a'), record('settled', 7), record('inject', 8, 'a')],
      ...[record('heal', 9, 'a'), record('settled', 9)],
    ];
    expect(
      faultsOf({ faults }).map(({ fromUs, healedUs, settledUs }) => [fromUs, healedUs, settledUs]),
    ).toEqual([
      [1, 5, 7],
      [2, 3, 7],
      [8, 9, 9],
    ]);
  });

  it('have no end before they are healed', () =>
    expect(faultsOf({ faults: [record('inject', 1, 'a'), record('settled', 7)] })).toEqual([
      { name: 'kill', args: { node: 'a' }, fromUs: 1 },
    ]));
});
