import { groupBy } from '../../core/group-by.ts';
import type { History } from '../../history/history.ts';
import type { Event } from '../../history/records/operation.ts';

/** The times of resets, by bucket, in their order in the history. */
export function indexResets(history: History) {
  const resetsOf = indexResetEvents(history);
  return (bucket: number): readonly number[] => resetsOf(bucket).map(({ atUs }) => atUs);
}

/**
 * Resets by bucket, in their order in the history. An event fills the bucket it names, under every policy, or every bucket if it names
 * none.
 */
export function indexResetEvents({ events, operations: table }: History) {
  const resets = events.filter(isReset);
  const byName = groupBy<unknown, Event>(resets, ({ args }) => args?.bucket);
  return (bucket: number): readonly Event[] => {
    if (byName.size === 0) return [];
    const names = new Set([undefined, table.nameOf(bucket), table.plainNameOf(bucket)]);
    const own = new Set([...names].flatMap((name) => byName.get(name) ?? []));
    return resets.filter((event) => own.has(event));
  };
}

function isReset({ event }: Event): boolean {
  return event === 'reset';
}
