import type { FaultSpec } from '../scenario/faults/index.ts';
import type { PlannedFault } from '../scenario/plan.ts';
import type { Dice } from './dice.ts';
import { peaksOf } from './draw-when.ts';
import type { Schedule } from './schedule.ts';
import type { Space } from './space.ts';
import { drawMultiple } from './times.ts';

/**
 * A region hears nothing for one of the times by which the limiter lives, and still when all regions drain the buckets, or
 * until then: what it had before is over by now. Undefined of a load without peaks, or if no such fault is wanted.
 */
export function drawLapse(
  dice: Dice,
  { places, faults, times }: Space,
  load: Schedule['load'],
): PlannedFault[] | undefined {
  const kinds = PARTING.filter((kind) => faults.includes(kind));
  const peaks = peaksOf(load);
  if (kinds.length === 0 || peaks.length === 0) return undefined;
  const peak = dice.one(peaks);
  const endMs = dice.whole(peak.atMs, peak.atMs + peak.forMs);
  const forMs = drawMultiple(dice, times, { leastMs: 1, mostMs: endMs }) ?? endMs;
  const spec = partedBy(dice.one(kinds), dice.one(places.regions), dice.one(['blackhole', 'refuse']));
  return [{ ...spec, atMs: endMs - forMs, forMs }];
}

const PARTING = ['store-outage', 'partition', 'drop-reply'] as const;

function partedBy(kind: (typeof PARTING)[number], region: string, mode: 'blackhole' | 'refuse'): FaultSpec {
  if (kind === 'partition') return { fault: kind, mode, isolate: [region] };
  return kind === 'drop-reply'
    ? { fault: kind, regions: [region] }
    : { fault: kind, mode, regions: [region] };
}
