import { expect, it } from 'vitest';
import { meanDecidedShare } from './run-figures.ts';

const cell = (region: string, phase: string, allowed: number, failed: number) => ({
  ...{ region, phase, operations: allowed + failed },
  outcomes: { allowed, denied: 0, failed, info: 0 },
});
const reportOf = (faults: number, ...cells: ReturnType<typeof cell>[]) =>
  ({
    plan: { topology: { regions: ['a', 'b', 'c'] }, faults: Array.from({ length: faults }) },
    cells,
  }) as unknown as Parameters<typeof meanDecidedShare>[0];

it('a region counts as much as another, however few its requests are', () => {
  const report = reportOf(
    1,
    cell('a', 'during kill', 990, 10),
    cell('b', 'during kill', 1, 3),
    cell('b', 'after kill', 9, 0),
  );
  expect(meanDecidedShare(report)).toBeCloseTo((0.99 + 0.25) / 2);
});

it('without a fault all of the load counts; without requests there is no share', () => {
  expect(meanDecidedShare(reportOf(0, cell('a', 'before', 1, 1)))).toBe(0.5);
  expect(meanDecidedShare(reportOf(1, cell('a', 'before', 1, 1)))).toBe(null);
});
