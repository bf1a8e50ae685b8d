import { groupBy } from '../../core/group-by.ts';
import type { History } from '../../history/history.ts';
import { type Event, MOVE_EVENT } from '../../history/records/operation.ts';
import type { ClockBounds } from '../clocks/bounds.ts';

/** The time in which a bucket moved to another key. Microseconds of the recorder; Infinity if it may still move. */
export interface BucketMove {
  readonly fromUs: number;
  readonly untilUs: number;
  /** How many attempts it had, and moves that overlap it. */
  readonly attempts: number;
  /** As the first and the last event name its homes. */
  readonly from?: unknown;
  readonly to?: unknown;
}

/** The moves of each bucket, in the order of time. */
export type BucketMoves = (bucket: number) => readonly BucketMove[];

const NONE: readonly BucketMove[] = [];

/**
 * A move without an end goes on until one of the bucket that begins later has ended, and repeats of one number are one
 * move. An event moves the bucket it names under every policy.
 */
export function indexBucketMoves({
  events,
  operations: table,
}: Pick<History, 'events' | 'operations'>): BucketMoves {
  const byName = groupBy<unknown, Event>(
    events.filter(({ event }) => event === MOVE_EVENT),
    ({ args }) => args?.bucket,
  );
  const found = new Map([...byName].map(([name, ofBucket]) => [name, joined(ofBucket)]));
  return (bucket) => {
    if (found.size === 0) return NONE;
    return found.get(table.nameOf(bucket)) ?? found.get(table.plainNameOf(bucket)) ?? NONE;
  };
}

function joined(events: readonly Event[]): BucketMove[] {
  const moves: (BucketMove & { readonly move: unknown })[] = [];
  for (const { atUs, args } of events.toSorted((a, b) => a.atUs - b.atUs)) {
    const [untilUs, move] = [endOf(args), args?.move];
    const last = moves.at(-1);
    const isRepeat = move !== undefined && last?.move === move;
    if (last === undefined || (last.untilUs < atUs && !isRepeat)) {
      moves.push({ fromUs: atUs, untilUs, attempts: 1, move, from: args?.from, to: args?.to });
      continue;
    }
    const latestUs = last.untilUs === Number.POSITIVE_INFINITY ? untilUs : Math.max(last.untilUs, untilUs);
    moves[moves.length - 1] = { ...last, untilUs: latestUs, attempts: last.attempts + 1, move, to: args?.to };
  }
  return moves;
}

/** The end of a move or a reset, by the arguments of its event. */
export function endOf(args: Event['args']): number {
  return typeof args?.untilUs === 'number' ? args.untilUs : Number.POSITIVE_INFINITY;
}

/**
 * The allowance for the clock of a bucket that moved. Its refill stands still from when the old key is left until the new
 * one opens, and the new key begins by the time of its own server: the wait of a bucket whose clock went back is lost. So
 * each move may cost its length and once more what the clocks may lag, also after the bucket has been full.
 */
export function clockOfMoved(clock: ClockBounds, moves: readonly BucketMove[]): ClockBounds {
  if (moves.length === 0) return clock;
  const { epsilonUs, backwardUs, spreadUs } = clock;
  const awayUs = moves.reduce((sum, { fromUs, untilUs }) => sum + untilUs - fromUs, 0);
  const times = attemptsOf(moves);
  return {
    ...clock,
    epsilonUs: epsilonUs * (1 + times),
    backwardUs: backwardUs + awayUs + times * (backwardUs + spreadUs),
    lagReturns: true,
  };
}

export function attemptsOf(moves: readonly BucketMove[]): number {
  return moves.reduce((sum, { attempts }) => sum + attempts, 0);
}
