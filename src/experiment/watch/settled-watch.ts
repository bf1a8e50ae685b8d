import { setTimeout as delay } from 'node:timers/promises';
import { connectDirect } from '../../regions/cluster/connect-direct.ts';
import { lackOfWhole } from '../../regions/cluster/form-cluster.ts';
import type { NodeRole, RoleWatch } from '../../regions/cluster/role-watch.ts';
import type { Regions } from '../../regions/provider.ts';
import { SLOTS, type Topology } from '../../topology/topology.ts';

const EVERY_MS = 200;
/** The clients reconnect within a second. */
const STABLE_MS = 1_000;

type Look = () => Promise<string | undefined>;

/**
 * Polls until a cluster has settled by itself during a load: for one second every node reports cluster_state ok, all
 * replicas are linked, and each slot has one primary, in any region. It only reads. Rejects on abort.
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
  signal.addEventListener('abort', disconnect, { once: true }); // this ends a pending `look`
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

/** Polls until `look` finds nothing lacking and `seen` is unchanged for `stableMs`. Exported for its test. */
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

/** Names a node that is down, or gives the number of served slots if that is not all of them; else undefined. */
export function lackOfRoles(
  { kind, apart, nodes, external }: Pick<Topology, 'kind' | 'apart' | 'nodes' | 'external'>,
  roles: ReadonlyMap<string, NodeRole>,
): string | undefined {
  const down = nodes.find(({ name }) => (roles.get(name)?.role ?? 'down') === 'down');
  if (down !== undefined) return `${down.name} is down`;
  const served = [...roles.values()].map(({ slots }) => countSlots(slots)).filter((slots) => slots > 0);
  const clusters = apart ? nodes.length : 1;
  const total = served.reduce((sum, slots) => sum + slots, 0);
  // Nodes that were running may be several clusters; behind Sentinels there is one primary.
  if (external && kind !== 'sentinel' && total > 0 && total % SLOTS === 0) return undefined;
  return total === clusters * SLOTS ? undefined : `${total} of ${clusters * SLOTS} slots are served`;
}

/** Slots as CLUSTER NODES prints them; a migrating slot, in brackets, is counted with its range. */
function countSlots(slots: string): number {
  return slots
    .split(' ')
    .filter((range) => /^\d/.test(range))
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}
