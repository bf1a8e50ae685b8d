import { OpenclawError, quoted } from '../core/errors.ts';
import { type RegionPair, regionPairs, type Topology } from './topology.ts';

/** Every pair between these regions and all others, both ways. Throws INVALID_OPTION. */
export function isolating(isolated: readonly string[], topology: Topology): RegionPair[] {
  checkKnown(isolated, topology);
  const pairs = regionPairs(topology.regions).filter(
    ({ from, to }) => isolated.includes(from) !== isolated.includes(to),
  );
  if (pairs.length === 0)
    throw new OpenclawError('INVALID_OPTION', 'isolating every region, or the only one, cuts nothing');
  return pairs;
}

/** What flows from these regions to those, and not back. Throws INVALID_OPTION. */
export function oneWay(from: readonly string[], to: readonly string[], topology: Topology): RegionPair[] {
  checkKnown([...from, ...to], topology);
  const pairs = regionPairs(topology.regions).filter(
    (pair) => from.includes(pair.from) && to.includes(pair.to),
  );
  if (pairs.length === 0) throw new OpenclawError('INVALID_OPTION', 'nothing flows from a region to itself');
  return pairs;
}

/** Both ways between two regions. Throws INVALID_OPTION. */
export function between(regions: readonly string[], topology: Topology): RegionPair[] {
  checkKnown(regions, topology);
  const [a, b, more] = regions;
  if (a === undefined || b === undefined || a === b || more !== undefined) {
    throw new OpenclawError(
      'INVALID_OPTION',
      `expected two different regions; found ${quoted(regions.join(' '))}`,
    );
  }
  return [
    { from: a, to: b },
    { from: b, to: a },
  ];
}

/** Every pair between two of these groups, both ways; a region in no group is cut from nobody. Throws INVALID_OPTION. */
export function splitting(groups: readonly (readonly string[])[], topology: Topology): RegionPair[] {
  const named = groups.flat();
  checkKnown(named, topology);
  if (groups.length < 2 || groups.some((group) => group.length === 0) || new Set(named).size < named.length) {
    throw new OpenclawError(
      'INVALID_OPTION',
      `expected two or more groups that share no region; found ${quoted(groups.map((group) => group.join(',')).join(' '))}`,
    );
  }
  const groupOf = new Map(groups.flatMap((group, i) => group.map((region) => [region, i] as const)));
  return regionPairs(topology.regions).filter(({ from, to }) => {
    const [a, b] = [groupOf.get(from), groupOf.get(to)];
    return a !== undefined && b !== undefined && a !== b;
  });
}

/** Throws INVALID_OPTION with the regions there are when one of these is not among them. */
export function checkKnown(named: readonly string[], { regions }: Topology): void {
  const unknown = named.find((region) => !regions.includes(region));
  if (unknown !== undefined) {
    throw new OpenclawError(
      'INVALID_OPTION',
      `a region is one of ${regions.join(', ')}; found ${quoted(unknown)}`,
    );
  }
}
