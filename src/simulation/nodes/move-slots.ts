import type { NoteMove } from '../../regions/cluster/slots/move-slots.ts';
import { formatSlots } from '../../topology/slot-ranges.ts';
import { roundTripMs, type Topology } from '../../topology/topology.ts';
import type { VirtualTime } from '../virtual-time.ts';
import type { NodeSlots } from './simulated-nodes.ts';

/** As in local regions: so many slots move at once, a slot takes so long, and keys move by so many. */
const LANES = 24;
const SLOT_US = 4_000;
const KEYS_AT_ONCE = 10;
/** Replicas acknowledge once a second. */
const COPIED_US = 1_000_000;

interface Mover {
  readonly topology: Topology;
  readonly time: VirtualTime;
  readonly slots: NodeSlots;
  readonly noteMove: NoteMove;
  /** Ends it between two slots. */
  readonly isOver: () => boolean;
}

interface Move {
  readonly slots: readonly number[];
  readonly from: string;
  readonly to: string;
}

/** Moves slots in lanes, then waits for the replicas. Calls with whether all have moved. */
export function moveSlots(
  { slots: moving, from, to }: Move,
  { topology, time, slots, noteMove, isOver }: Mover,
  done: (isDone: boolean) => void,
): void {
  const regionOf = (name: string) => topology.nodes.find((node) => node.name === name)?.region ?? '';
  const tripUs = roundTripMs(topology, { from: regionOf(from), to: regionOf(to) }) * 1_000;
  const noted = noteMove({ from, to, slots: formatSlots(moving.toSorted((a, b) => a - b)) });
  const left = [...moving];
  let hasFailed = false;
  let lanes = 0;
  const ended = () => {
    if (--lanes > 0) return;
    if (hasFailed) finish(false);
    else time.after(COPIED_US, () => finish(true));
  };
  const finish = (isDone: boolean) => {
    noted(isDone);
    done(isDone);
  };
  const lane = (): void => {
    const slot = hasFailed || isOver() ? undefined : left.shift();
    if (slot === undefined) {
      hasFailed ||= left.length > 0;
      ended();
      return;
    }
    const batches = Math.ceil(slots.countKeys(from, slot) / KEYS_AT_ONCE);
    // The server is busy for a round trip with each batch, and then gets as long again for others.
    time.after(SLOT_US + batches * 2 * tripUs, () => {
      if (!slots.move(slot, { from, to })) hasFailed = true;
      lane();
    });
  };
  lanes = Math.max(1, Math.min(LANES, moving.length));
  for (let started = lanes; started > 0; started--) time.after(0, lane);
}

/** Brings every slot back to the shard that the plan gives it. Calls once all are there, or cannot be moved. */
export function returnSlots(mover: Mover, done: () => void): void {
  const { topology, slots } = mover;
  const moves = topology.nodes.flatMap(({ name, slots: planned }): Move[] => {
    const to = slots.primaryOf(name);
    if (planned === undefined || to === undefined) return [];
    const [first, last] = planned;
    return topology.nodes
      .filter((node) => node.name !== name && node.replicaOf !== name)
      .map((node) => ({
        ...{ from: node.name, to },
        slots: slots.fullestFirst(node.name).filter((slot) => first <= slot && slot <= last),
      }))
      .filter(({ slots: away }) => away.length > 0);
  });
  const next = (): void => {
    const move = moves.shift();
    if (move === undefined) done();
    else moveSlots(move, { ...mover, isOver: () => false }, next);
  };
  next();
}

/** How many slots are not those of the shard that the plan gives them. */
export function countAway({ topology, slots }: Pick<Mover, 'topology' | 'slots'>): number {
  return topology.nodes
    .filter((node) => node.slots !== undefined)
    .map(({ name, slots: [first, last] = [1, 0] }) => {
      const to = slots.primaryOf(name);
      return to === undefined ? [] : slots.fullestFirst(to).filter((slot) => slot < first || slot > last);
    })
    .reduce((sum, away) => sum + away.length, 0);
}
