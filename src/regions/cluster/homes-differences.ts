import { formatSlots, parseRange } from '../../topology/slot-ranges.ts';
import type { ClusterHomes } from './homes.ts';

/** A homes table of a file: a limiter needs no nodes in it. */
export interface WrittenHomes {
  readonly regions: Readonly<
    Record<string, { readonly slots: string; readonly nodes?: readonly string[] | undefined }>
  >;
}

export interface HomesDifferences {
  /** A sentence for each part of the slots that has another region now. */
  readonly slots: readonly string[];
  /** Whether a slot has another region now of those that the table has; else the table lacks slots or a region. */
  readonly hasMoved: boolean;
  /** A sentence for each node that one of both does not have. */
  readonly nodes: readonly string[];
}

/** What a cluster has otherwise than a table that was written down before. */
export function homesDifferences(written: WrittenHomes, now: ClusterHomes): HomesDifferences {
  return { ...slotDifferences(written, now), nodes: nodeDifferences(written, now) };
}

function slotDifferences(
  written: WrittenHomes,
  now: ClusterHomes,
): Pick<HomesDifferences, 'slots' | 'hasMoved'> {
  const [before, after] = [ownersOf(written), ownersOf(now)];
  const moved = new Map<string, number[]>();
  let hasMoved = false;
  for (const slot of [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b)) {
    const [from = 'no region', to = 'no region'] = [before.get(slot), after.get(slot)];
    if (from === to) continue;
    hasMoved ||= Object.hasOwn(now.regions, from) && Object.hasOwn(written.regions, to);
    const which = `${from} in the file, ${to} in the cluster`;
    const slots = moved.get(which);
    if (slots === undefined) moved.set(which, [slot]);
    else slots.push(slot);
  }
  return { slots: [...moved].map(([which, slots]) => `slots ${formatSlots(slots)}: ${which}`), hasMoved };
}

function ownersOf({ regions }: WrittenHomes): Map<number, string> {
  const owners = new Map<number, string>();
  for (const [region, { slots }] of Object.entries(regions))
    for (const part of slots.split(',').filter((text) => text !== '')) {
      const { first, last } = parseRange(part);
      for (let slot = first; slot <= last; slot++) owners.set(slot, region);
    }
  return owners;
}

function nodeDifferences(written: WrittenHomes, now: ClusterHomes): string[] {
  const regions = [...new Set([...Object.keys(written.regions), ...Object.keys(now.regions)])];
  return regions.flatMap((region) => {
    const before = written.regions[region]?.nodes;
    if (before === undefined && region in written.regions) return []; // a table may leave its nodes out
    const after = now.regions[region]?.nodes ?? [];
    const only = (some: readonly string[], others: readonly string[]) =>
      some.filter((node) => !others.includes(node));
    return [
      ...only(before ?? [], after).map((node) => `${region}: ${node} is in the file, not in the cluster`),
      ...only(after, before ?? []).map((node) => `${region}: ${node} is in the cluster, not in the file`),
    ];
  });
}
