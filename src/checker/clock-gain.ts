import type { ClockReading } from '../history/operation.ts';
import type { OperationTable } from '../history/table.ts';
import { type ClockBounds, groupByNode } from './clock.ts';
import type { ClockStep } from './clock-steps.ts';
import type { OverAdmissionFinding } from './finding.ts';
import { countWhile } from './order.ts';

interface Explained {
  readonly worst: OverAdmissionFinding;
  readonly clock: ClockBounds;
  readonly readings: readonly ClockReading[];
}

/**
 * Steps of a clock that can have filled the bucket of this finding early: of a node that decided it, within its window,
 * beyond wherever that clock had been before and what was granted for clocks anyway.
 */
export function gainsWithin(table: OperationTable, { worst, clock, readings }: Explained): ClockStep[] {
  const nodes = nodesOf(table, worst.bucket);
  const read = readTimes(readings);
  return netGains(clock.steps).filter(({ node, atUs, byUs }) => {
    const isWithin =
      worst.window.startUs < atUs && worst.window.endUs > lastBefore(read.get(node) ?? [], atUs);
    return isWithin && nodes.has(node) && byUs >= LEAST_GAIN_US && byUs > clock.epsilonUs;
  });
}

/** What is left of two steps that undo each other: the errors of reading. */
const LEAST_GAIN_US = 1_000;

/** A bucket's time does not go back with the clock, so a step ahead gives only what lies beyond the farthest before. */
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

/** When each clock was read, in the order of time. */
function readTimes(readings: readonly ClockReading[]): Map<string, number[]> {
  return new Map(
    [...groupByNode(readings)].map(([node, of]) => [node, of.map(({ atUs }) => atUs).sort((a, b) => a - b)]),
  );
}

/** When the clock was last seen without the step, which came between then and when it was seen. */
function lastBefore(timesUs: readonly number[], untilUs: number): number {
  return timesUs[countWhile(timesUs, timesUs.length, (us) => us < untilUs) - 1] ?? Number.NEGATIVE_INFINITY;
}

function nodesOf({ levels, starts, nameOf, bucketCount }: OperationTable, bucket: string): Set<string> {
  const nodes = new Set<string>();
  for (let number = 0; number < bucketCount; number++) {
    if (nameOf(number) !== bucket) continue;
    for (let row = starts[number] as number; row < (starts[number + 1] as number); row++)
      nodes.add(levels?.nodeNames[levels.node(row)] ?? '');
  }
  return nodes;
}
