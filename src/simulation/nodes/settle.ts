import type { VirtualTime } from '../virtual-time.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

/** As `orderFailover` orders real nodes: the order is repeated once the server has given up, or soon after a refusal. */
const AGAIN_US = 5_500_000;
const REFUSED_US = 200_000;
/** The role must hold so long: the old primary may win the slots back at once. */
const STAYS_US = 250_000;
const LOOK_US = 15_000;

/** Calls once `condition` holds, looking every 15 ms. */
export function when(time: VirtualTime, condition: () => boolean, call: () => void): void {
  if (condition()) call();
  else time.after(LOOK_US, () => when(time, condition, call));
}

/** Orders failovers of a replica until it is the primary, and then calls `done`; at once if it is one already. */
export function orderFailover(
  cluster: SimulatedCluster,
  { node, time }: { readonly node: string; readonly time: VirtualTime },
  done: () => void,
): void {
  let againUs = Number.NEGATIVE_INFINITY;
  let sinceUs: number | undefined;
  const isPrimary = () => {
    if (!cluster.answers(node)) return false;
    if (cluster.roleOf(node).role === 'primary') {
      if (againUs === Number.NEGATIVE_INFINITY) return true;
      sinceUs ??= time.nowUs;
      return time.nowUs - sinceUs >= STAYS_US;
    }
    if (sinceUs !== undefined) [sinceUs, againUs] = [undefined, time.nowUs];
    if (time.nowUs >= againUs)
      againUs = time.nowUs + (cluster.control.failover(node) === undefined ? AGAIN_US : REFUSED_US);
    return false;
  };
  when(time, isPrimary, done);
}

/**
 * Once the cluster is whole, brings every primary to its planned node by ordered failovers, one after another. Calls
 * `done` when it has settled.
 */
export function bringHome(cluster: SimulatedCluster, time: VirtualTime, done: () => void): void {
  const next = () => {
    const [node] = cluster.awayFromHome();
    if (node === undefined) when(time, () => cluster.isSettled(), done);
    else orderFailover(cluster, { node, time }, next);
  };
  when(time, () => cluster.lackOfWhole() === undefined, next);
}
