import type { ClockReading } from '../history/operation.ts';
import type { OperationTable } from '../history/table.ts';
import type { ClockBounds, ClockStep } from './clock.ts';
import type { OverAdmissionFinding } from './finding.ts';

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
  return netGains(clock.steps).filter(({ node, atUs, byUs }) => {
    const sinceUs = lastReadingBefore(readings, node, atUs);
    const isWithin = worst.window.startUs < atUs && worst.window.endUs > sinceUs;
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

/** When the clock was last seen without the step, which came between then and when it was seen. */
function lastReadingBefore(readings: readonly ClockReading[], node: string, untilUs: number): number {
  return readings.reduce(
    (last, { node: of, atUs }) => (of === node && atUs < untilUs ? Math.max(last, atUs) : last),
    Number.NEGATIVE_INFINITY,
  );
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
