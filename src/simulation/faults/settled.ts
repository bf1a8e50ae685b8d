import type { Timer } from '../../core/time.ts';
import { lackOfRoles } from '../../experiment/watch/settled-watch.ts';
import type { Topology } from '../../topology/topology.ts';
import type { SimulatedNodes } from '../nodes/simulated-nodes.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** As in local regions. */
const EVERY_US = 200_000;
const STABLE_US = 1_000_000;

interface Options {
  readonly time: VirtualTime;
  readonly topology: Topology;
  readonly nodes: Pick<SimulatedNodes, 'roles' | 'lackOfWhole'>;
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
