import { until } from '../until.ts';
import type { VirtualTime } from '../virtual-time.ts';
import type { SimulatedNodes } from './simulated-nodes.ts';

/** As `orderFailover` orders real nodes: the order is repeated once the server has given up, or soon after a refusal. */
const AGAIN_US = 5_500_000;
const REFUSED_US = 200_000;
/** The role must hold so long: the old primary may win the slots back at once. */
const STAYS_US = 250_000;
const FOR_EVER = Number.POSITIVE_INFINITY;

interface Order {
  readonly node: string;
  readonly time: VirtualTime;
  /** Milliseconds; absent: without limit. */
  readonly withinMs?: number;
  /** Whether it is no more needed. */
  readonly isOver?: () => boolean;
}

/** Orders failovers of a replica until it is the primary, at once if it is one already. Calls with whether it is. */
export function orderFailover(
  nodes: SimulatedNodes,
  { node, time, withinMs = FOR_EVER, isOver = () => false }: Order,
  done: (isPrimary: boolean) => void,
): void {
  let againUs = Number.NEGATIVE_INFINITY;
  let sinceUs: number | undefined;
  const isPrimary = () => {
    if (!nodes.answers(node)) return false;
    if (nodes.roleOf(node).role === 'primary') {
      if (againUs === Number.NEGATIVE_INFINITY) return true;
      sinceUs ??= time.nowUs;
      return time.nowUs - sinceUs >= STAYS_US;
    }
    if (sinceUs !== undefined) [sinceUs, againUs] = [undefined, time.nowUs];
    if (time.nowUs >= againUs)
      againUs = time.nowUs + (nodes.control.failover(node) === undefined ? AGAIN_US : REFUSED_US);
    return false;
  };
  until(
    time,
    withinMs,
    () => isOver() || isPrimary(),
    (isSo) => done(isSo && !isOver()),
  );
}

/**
 * Once the cluster is whole, brings every primary to its planned node by ordered failovers, one after another; again if a
 * Sentinel that had not heard of the order has taken it back. Calls `done` when it has settled.
 */
export function bringHome(nodes: SimulatedNodes, time: VirtualTime, done: () => void): void {
  const isAway = () => nodes.awayFromHome().length > 0;
  const whenWhole = () => until(time, FOR_EVER, () => nodes.lackOfWhole() === undefined, next);
  const next = () => {
    const [node] = nodes.awayFromHome();
    if (node !== undefined) {
      orderFailover(nodes, { node, time }, next);
      return;
    }
    until(
      time,
      FOR_EVER,
      () => nodes.isSettled() || isAway(),
      () => (isAway() ? whenWhole() : done()),
    );
  };
  whenWhole();
}
