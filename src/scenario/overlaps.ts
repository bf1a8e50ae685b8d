import type { UndrawnFault } from './fault-schema.ts';
import type { PartitionShape } from './fault-spec.ts';
import type { Problem } from './problems.ts';

/**
 * Two faults that change one thing at the same time would undo each other: the end of the first heals the second.
 * By the earliest and latest times that can be drawn, so that no seed makes a scenario wrong.
 */
export function checkOverlaps(
  faults: readonly { readonly fault: UndrawnFault; readonly index: number }[],
  regions: readonly string[],
): Problem[] {
  return faults.flatMap(({ fault, index }, place) => {
    const things = new Set(changedBy(fault, regions));
    return faults.slice(0, place).flatMap((earlier) => {
      if (!meet(earlier.fault, fault)) return [];
      const thing = changedBy(earlier.fault, regions).find((each) => things.has(each));
      if (thing === undefined) return [];
      const text = `this ${fault.fault} and the ${earlier.fault.fault} of faults[${earlier.index}] can be in force at the same time and both change ${thing}: the end of one would heal the other`;
      return [{ path: ['faults', index, 'at'], text }];
    });
  });
}

function meet(one: UndrawnFault, other: UndrawnFault): boolean {
  return endsMs(one) > other.at.least && endsMs(other) > one.at.least;
}

const endsMs = ({ at, for: length }: UndrawnFault) => at.most + length.most;

/** What is not as it was while the fault is in force, in words. A failover is over at once. */
function changedBy(fault: UndrawnFault, regions: readonly string[]): string[] {
  switch (fault.fault) {
    case 'partition':
    case 'flap':
      return links(regions, cutsFrom(fault)).map((link) => `what passes ${link}`);
    case 'drop-reply':
      return links(regions, (from) => fault.regions.includes(from)).map((link) => `what passes ${link}`);
    case 'latency':
    case 'bandwidth': {
      const between = links(
        regions,
        (from, to) => fault.between.includes(from) && fault.between.includes(to),
      );
      return between.map((link) => `the ${fault.fault} ${link}`);
    }
    case 'gateway-clock':
      return [`the clock of ${fault.region}`];
    case 'failover':
      return [];
    default:
      return [`the node ${fault.node}`];
  }
}

function links(regions: readonly string[], is: (from: string, to: string) => boolean): string[] {
  return regions.flatMap((from) =>
    regions.filter((to) => to !== from && is(from, to)).map((to) => `from ${from} to ${to}`),
  );
}

function cutsFrom(shape: PartitionShape): (from: string, to: string) => boolean {
  if ('isolate' in shape) return (from, to) => shape.isolate.includes(from) || shape.isolate.includes(to);
  if ('bridge' in shape) return (from, to) => shape.bridge.includes(from) && shape.bridge.includes(to);
  if ('from' in shape) return (from, to) => shape.from.includes(from) && shape.to.includes(to);
  const groupOf = (region: string) => shape.split.findIndex((group) => group.includes(region));
  return (from, to) => groupOf(from) >= 0 && groupOf(to) >= 0 && groupOf(from) !== groupOf(to);
}
