import type { Event } from '../../history/records/operation.ts';

/** A change of the role of one node. */
type RoleEvent = Pick<Event, 'atUs'> & { readonly from: unknown; readonly to: unknown };

/** Of the node of this name, in order. */
export function roleEventsOf(name: string, events: readonly Event[]): RoleEvent[] {
  return events
    .filter(({ event, node }) => event === 'role' && node === name)
    .map(({ atUs, args }) => ({ atUs, from: args?.from, to: args?.to }))
    .sort((a, b) => a.atUs - b.atUs);
}

interface Promotion {
  readonly atUs: number;
  readonly wasReplica: boolean;
  /** Whether it had been a primary before it was a replica. */
  readonly isReturn: boolean;
  /** Since when it was no primary; undefined if that was not seen. */
  readonly leftUs: number | undefined;
}

/**
 * When a node became a primary, whether it had been a replica, and since when it was not a primary. One that was silent
 * has the role of before: a server closes its connections when its role changes. A primary whose slots alone change became
 * nothing.
 */
export function findPromotions(events: readonly RoleEvent[]): Promotion[] {
  let last = events[0]?.from;
  let wasPrimary = last === 'primary';
  let leftUs: number | undefined;
  return events.flatMap(({ atUs, from, to }) => {
    if (from === 'primary' && to === 'primary') return [];
    if (to === 'down') {
      leftUs ??= atUs;
      return [];
    }
    const wasReplica = last === 'replica';
    const promotion = { atUs, wasReplica, isReturn: wasReplica && wasPrimary, leftUs };
    last = to;
    if (to !== 'primary') {
      leftUs ??= atUs;
      return [];
    }
    [leftUs, wasPrimary] = [undefined, true];
    return [promotion];
  });
}
