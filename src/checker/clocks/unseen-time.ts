import type { History } from '../../history/history.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { type ClockSpan, groupByNode } from './bounds.ts';

/**
 * Whether the history may hide a clock that went back, by a step or by a takeover of a node with a slower clock: a
 * limiter then waits and denies. Readings before and after show it. Before the first and after the last reading, in a
 * history that starts in mid-traffic, and where a clock apart from the recorder's was not read, it may be hidden.
 */
export function hasUnseenTime(
  {
    header,
    clock,
    decisionClock,
    bucketsAheadUs,
  }: Pick<History, 'header' | 'clock' | 'decisionClock' | 'bucketsAheadUs'>,
  span: ClockSpan,
): boolean {
  if (header.initial !== 'full') return true;
  if (clock.length > 0) return !isReadAllAlong(clock, span);
  return header.clocks === 'apart' || decisionClock.length > 0 || bucketsAheadUs > 0;
}

function isReadAllAlong(readings: readonly ClockReading[], { fromUs, untilUs }: ClockSpan): boolean {
  return [...groupByNode(readings).values()].every(
    (ofNode) => ofNode.some(({ atUs }) => atUs <= fromUs) && ofNode.some(({ atUs }) => atUs >= untilUs),
  );
}
