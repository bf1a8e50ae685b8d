import { definitionOf, type UndrawnFault } from './faults/index.ts';
import type { Problem } from './problems.ts';

/**
 * Refuses two faults that change the same thing at the same time: healing the first would heal the second. Checks the
 * earliest and latest times that can be drawn, so that the result is the same for every seed.
 */
export function checkOverlaps(
  faults: readonly { readonly fault: UndrawnFault; readonly index: number }[],
  regions: readonly string[],
): Problem[] {
  const changes = faults.map(({ fault }) => definitionOf(fault.fault).changes(fault, regions));
  return faults.flatMap(({ fault, index }, place) => {
    const things = new Set(changes[place]);
    return faults.slice(0, place).flatMap((earlier, earlierPlace) => {
      if (!meet(earlier.fault, fault)) return [];
      const thing = changes[earlierPlace]?.find((each) => things.has(each));
      if (thing === undefined) return [];
      const text = `this ${fault.fault} and the ${earlier.fault.fault} of faults[${earlier.index}] can overlap and both change ${thing}; healing one would heal the other`;
      return [{ path: ['faults', index, 'at'], text }];
    });
  });
}

function meet(one: UndrawnFault, other: UndrawnFault): boolean {
  return endsMs(one) > other.at.least && endsMs(other) > one.at.least;
}

const endsMs = ({ at, for: length }: UndrawnFault) => at.most + length.most;
