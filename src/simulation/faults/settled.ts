import type { Timer } from '../../core/time.ts';
import { lackOfRoles } from '../../experiment/watch/settled-watch.ts';
import type { NodeRole } from '../../regions/cluster/role-watch.ts';
import type { Topology } from '../../topology/topology.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** What a look at the nodes needs. */
export interface SettlingNodes {
  /** Every node as of now. */
  roles(): ReadonlyMap<string, NodeRole>;
  /** Names a node that does not answer, does not serve, or lacks its link; undefined if none does. */
  lackOfWhole(): string | undefined;
}

/** As in local regions. */
const EVERY_US = 200_000;
const STABLE_US = 1_000_000;

interface Options {
  readonly time: VirtualTime;
  readonly topology: Topology;
  readonly nodes: SettlingNodes;
}

/**
 * Calls once the nodes have settled by themselves: for one second nothing is lacking, each slot has one primary, and no
 * role changes. The result gives up.
 */
export function whenSettled({ time, topology, nodes }: Options, call: () => void): Timer {
  let since: { readonly atUs: number; readonly seen: string } | undefined;
  let next: Timer | undefined;
  const look = () => {
    const roles = nodes.roles();
    const seen = JSON.stringify([...roles]);
    if ((lackOfRoles(topology, roles) ?? nodes.lackOfWhole()) !== undefined) since = undefined;
    else if (since?.seen !== seen) since = { atUs: time.nowUs, seen };
    else if (time.nowUs - since.atUs >= STABLE_US) return call();
    next = time.after(EVERY_US, look);
  };
  look();
  return { cancel: () => next?.cancel() };
}
