import type { OperationTable } from '../../history/columns/table.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { type ClockBounds, groupByNode } from '../clocks/bounds.ts';
import type { ClockStep } from '../clocks/steps.ts';
import { countWhile } from '../rows/sort-rows.ts';
import type { OverAdmissionFinding } from './finding.ts';

interface Explained {
  readonly worst: OverAdmissionFinding;
  readonly clock: ClockBounds;
  readonly readings: readonly ClockReading[];
}

/**
 * Clock steps that can have filled the bucket of this finding early: steps of a node that decided it, within its window,
 * beyond that clock's earlier maximum and beyond the grant.
 */
export function gainsWithin(table: OperationTable, { worst, clock, readings }: Explained): ClockStep[] {
  const nodes = findNodes(table, worst.bucket);
  const read = readTimes(readings);
  return netGains(clock.steps).filter(({ node, atUs, byUs }) => {
    const isWithin =
      worst.window.startUs < atUs && worst.window.endUs > lastBefore(read.get(node) ?? [], atUs);
    return isWithin && nodes.has(node) && byUs >= LEAST_GAIN_US && byUs > clock.epsilonUs;
  });
}

/** Two steps that undo each other may leave as much, by reading errors. */
const LEAST_GAIN_US = 1_000;

/** A bucket's time does not go back with the clock, so a step ahead gains only what exceeds the earlier maximum. */
function netGains(steps: readonly ClockStep[]): ClockStep[] {
  const clocks = new Map<string, { offsetUs: number; farthestUs: number }>();
  return steps
    .toSorted((a, b) => a.atUs - b.atUs)
    .map((step) => {
      const clock = clocks.get(step.node) ?? { offsetUs: 0, farthestUs: 0 };
      const offsetUs = clock.offsetUs + step.byUs;
      clocks.set(step.node, { offsetUs, farthestUs: Math.max(clock.farthestUs, offsetUs) });
      return { ...step, byUs: offsetUs - clock.farthestUs };
    });
}

/** The times of each clock's readings, sorted. */
function readTimes(readings: readonly ClockReading[]): Map<string, number[]> {
  return new Map(
    [...groupByNode(readings)].map(([node, of]) => [node, of.map(({ atUs }) => atUs).sort((a, b) => a - b)]),
  );
}

/** The last reading before the step; the step came after it. */
function lastBefore(timesUs: readonly number[], untilUs: number): number {
  return timesUs[countWhile(timesUs, timesUs.length, (us) => us < untilUs) - 1] ?? Number.NEGATIVE_INFINITY;
}

function findNodes({ levels, starts, nameOf, bucketCount }: OperationTable, bucket: string): Set<string> {
  const nodes = new Set<string>();
  for (let number = 0; number < bucketCount; number++) {
    if (nameOf(number) !== bucket) continue;
    for (let row = starts[number] as number; row < (starts[number + 1] as number); row++)
      nodes.add(levels?.nodeNames[levels.node(row)] ?? '');
  }
  return nodes;
}
