import { setTimeout as delay } from 'node:timers/promises';
import { connectDirect, lackOfWhole } from '../regions/form-cluster.ts';
import type { Regions } from '../regions/provider.ts';
import type { NodeRole, RoleWatch } from '../regions/role-watch.ts';
import { SLOTS, type Topology } from '../regions/topology.ts';

const EVERY_MS = 200;
/** A client of ours connects again after a second at the most: it has tried by then. */
const STABLE_MS = 1_000;

type Look = () => Promise<string | undefined>;

/**
 * Waits until a cluster has settled by itself while a load goes on: every node answers and says that the cluster is ok,
 * replicas are linked, and each slot is served by one primary; all of it for a second. It only asks, and orders nothing.
 * Where a primary is does not matter. Rejects when the signal comes.
 */
export async function untilSettled(
  { topology, direct }: Pick<Regions, 'topology' | 'direct'>,
  roles: Pick<RoleWatch, 'current'>,
  signal: AbortSignal,
): Promise<void> {
  const clients = new Map(topology.nodes.map(({ name }) => [name, connectDirect(direct(name))]));
  const disconnect = () => {
    for (const client of clients.values()) client.disconnect();
  };
  signal.addEventListener('abort', disconnect, { once: true }); // which ends a look that waits for an answer
  try {
    await untilStable(
      async () => lackOfRoles(topology, roles.current()) ?? (await lackOfWhole(topology, clients)),
      () => JSON.stringify([...roles.current()]),
      signal,
    );
  } finally {
    signal.removeEventListener('abort', disconnect);
    disconnect();
  }
}

/** Until nothing was lacking, and what is seen was the same, for a second. Exported for its test. */
export async function untilStable(
  look: Look,
  seen: () => string,
  signal: AbortSignal,
  { everyMs, stableMs } = { everyMs: EVERY_MS, stableMs: STABLE_MS },
): Promise<void> {
  let since: { readonly atMs: number; readonly seen: string } | undefined;
  for (;;) {
    signal.throwIfAborted();
    const lack = await look().catch(String);
    const now = { atMs: performance.now(), seen: seen() };
    if (lack !== undefined) since = undefined;
    else if (since?.seen !== now.seen) since = now;
    else if (now.atMs - since.atMs >= stableMs) return;
    await delay(everyMs, undefined, { signal });
  }
}

/** What the roles lack: a node that is down, a slot that no primary serves, or two of one cluster do. */
export function lackOfRoles(
  { apart, nodes }: Pick<Topology, 'apart' | 'nodes'>,
  roles: ReadonlyMap<string, NodeRole>,
): string | undefined {
  const down = nodes.find(({ name }) => (roles.get(name)?.role ?? 'down') === 'down');
  if (down !== undefined) return `${down.name} is down`;
  const served = [...roles.values()].map(({ slots }) => countSlots(slots)).filter((slots) => slots > 0);
  const clusters = apart ? nodes.length : 1;
  const total = served.reduce((sum, slots) => sum + slots, 0);
  return total === clusters * SLOTS ? undefined : `${total} of ${clusters * SLOTS} slots are served`;
}

/** As CLUSTER NODES prints them; one in migration is in brackets, and counted with the range that it is in. */
function countSlots(slots: string): number {
  return slots
    .split(' ')
    .filter((range) => /^\d/.test(range))
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}
