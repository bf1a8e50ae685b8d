import { groupBy } from '../../core/group-by.ts';
import type { History } from '../../history/history.ts';
import { type Event, RESET_EVENT } from '../../history/records/operation.ts';
import { endOf } from '../moves/bucket-moves.ts';
import type { BucketRows } from './bucket-rows.ts';

/** A reset takes effect once, within these times; `lastUs` is Infinity if its end is not known. */
export interface Reset {
  readonly fromUs: number;
  readonly lastUs: number;
}

/** The resets of each bucket, in their order in the history. */
export function indexResets(history: History): (bucket: number) => readonly Reset[] {
  const resetsOf = indexResetEvents(history);
  return (bucket) => resetsOf(bucket).map(({ atUs, args }) => ({ fromUs: atUs, lastUs: endOf(args) }));
}

/**
 * The same resets, each over by the end of the bucket's next decision: the earliest end among the decisions that began
 * after it. A reset that acts later was overtaken by a decision that was asked for after it.
 */
export function endedByNextDecision(
  resets: readonly Reset[],
  { table, byInvoked, count }: BucketRows,
): Reset[] {
  return resets.map(({ fromUs, lastUs }) => {
    let nextUs = lastUs;
    for (let at = count - 1; at >= 0; at--) {
      const row = byInvoked[at] as number;
      if ((table.invokedUs[row] as number) < fromUs) break;
      nextUs = Math.min(nextUs, table.lastUs(row));
    }
    return { fromUs, lastUs: nextUs };
  });
}

/**
 * Resets by bucket, in their order in the history. An event fills the bucket it names, under every policy, or every bucket if it names
 * none.
 */
export function indexResetEvents({ events, operations: table }: History) {
  const resets = events.filter(isReset);
  const byName = groupBy<unknown, Event>(resets, ({ args }) => args?.bucket ?? undefined);
  return (bucket: number): readonly Event[] => {
    if (byName.size === 0) return [];
    const names = new Set([undefined, table.nameOf(bucket), table.plainNameOf(bucket)]);
    const own = new Set([...names].flatMap((name) => byName.get(name) ?? []));
    return resets.filter((event) => own.has(event));
  };
}

function isReset({ event }: Event): boolean {
  return event === RESET_EVENT;
}
