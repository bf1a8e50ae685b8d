import { rounded } from '../../core/units.ts';
import type { Event } from '../../history/records/operation.ts';
import type { LostDecisions } from '../shards/lost-decisions.ts';

/** What a primary lacks of the decisions of another: one that took over from it, or one that decided beside it. */
export function lostSentence(lost: LostDecisions, events: readonly Event[]): string {
  const { from, to, atUs, decisions, tokens, buckets } = lost;
  const lack = isBeside(lost, events)
    ? `${to} and ${from} decided side by side: ${to} lacks`
    : `${to} became primary without`;
  return (
    `${lack} ${decisions} or more decisions that ${from} had acknowledged (noticed at ${rounded(atUs / 1_000_000, 3)} s): ` +
    `${rounded(tokens, 3)} tokens in ${buckets.length}${buckets.length === 100 ? ' or more' : ''} ${buckets.length === 1 ? 'bucket' : 'buckets'} could be spent again`
  );
}

/** Whether the node that lacks decisions was a primary already when the other became one. */
function isBeside({ from, to, atUs }: LostDecisions, events: readonly Event[]): boolean {
  const promotedUs = (name: string) =>
    events
      .filter(({ event, node, args }) => event === 'role' && node === name && args?.to === 'primary')
      .filter(({ args }) => args?.from !== 'primary') // its slots alone changed
      .reduce((last, { atUs: us }) => (us <= atUs ? Math.max(last, us) : last), Number.NEGATIVE_INFINITY);
  return promotedUs(from) > promotedUs(to);
}
