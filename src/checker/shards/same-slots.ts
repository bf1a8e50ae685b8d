import type { Event } from '../../history/records/operation.ts';

type Range = readonly [first: number, last: number];

/**
 * Calls `join` for every two nodes of which one was promoted for slots that the other had served last. A primary whose
 * slots alone change takes over from no node: slots moved. So the slots of each node are followed, and more than half of
 * those of a promoted node must be the same, since a failover may come while slots move.
 */
export function joinBySlots(events: readonly Event[], join: (a: string, b: string) => void): void {
  const served = new Map<string, readonly Range[]>();
  for (const { event, node, args } of events.toSorted((a, b) => a.atUs - b.atUs)) {
    if (event !== 'role' || node === undefined || args?.to !== 'primary' || typeof args.slots !== 'string')
      continue;
    const slots = rangesOf(args.slots);
    if (args.from !== 'primary')
      for (const [other, itsSlots] of served) if (isMostOf(slots, itsSlots)) join(other, node);
    served.set(node, slots);
  }
}

/** Ranges as CLUSTER NODES prints them, without slots in brackets, which migrate. */
function rangesOf(slots: string): Range[] {
  return [...slots.matchAll(/(?<=^| )(\d+)(?:-(\d+))?(?= |$)/g)].map(([, first, last = first]) => [
    Number(first),
    Number(last),
  ]);
}

function isMostOf(slots: readonly Range[], others: readonly Range[]): boolean {
  const all = slots.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const shared = slots.flatMap(([first, last]) =>
    others.map(([from, until]) => Math.max(0, Math.min(last, until) - Math.max(first, from) + 1)),
  );
  return 2 * shared.reduce((sum, many) => sum + many, 0) > all;
}
