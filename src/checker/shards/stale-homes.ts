import type { Takeover } from '../../core/bound.ts';
import type { BucketMove } from '../moves/bucket-moves.ts';
import { type MovedDecision as Decision, SEEN_LATE_US, type ShardNodes } from './shard-nodes.ts';

/**
 * The takeover with the overlap of these buckets. A new primary that lacks the last writes may not know that a bucket moved
 * away, and callers that still ask the old home then spend from a second bucket. That begins with at most b, which the
 * takeover counts, and is refilled until their last decision: overlap, as of a former primary that goes on beside its
 * successor. It ends when the bucket moves back, since that replaces the second one.
 */
export function withStaleHomes(
  takeover: Takeover,
  { chains, buckets }: { readonly chains: ShardNodes; readonly buckets: readonly number[] },
): Takeover {
  const place = chains.placeOfNode(takeover.node);
  const overlaps = buckets.map((bucket) => {
    const moves = chains.movesOf(bucket);
    const at = moves.findLastIndex(({ fromUs }) => fromUs <= takeover.atUs);
    const away = moves[at];
    if (away === undefined || place === undefined) return 0;
    const back = moves.slice(at + 1).find(({ to }) => to === away.from);
    const decisions = chains.decisionsOf(bucket);
    return isOldHome(place, away, decisions) ? overlapOf(takeover, { away, back, place, decisions }) : 0;
  });
  const overlapUs = overlaps.reduce((most, one) => Math.max(most, one), takeover.overlapUs);
  return overlapUs === takeover.overlapUs ? takeover : { ...takeover, overlapUs };
}

/** Whether the last decision before the move was here; also if there was none. */
function isOldHome(place: number, { fromUs }: BucketMove, decisions: readonly Decision[]): boolean {
  const before = decisions.filter(({ lastUs }) => lastUs < fromUs).sort((a, b) => b.lastUs - a.lastUs)[0];
  return before === undefined || before.place === place;
}

function overlapOf(
  { node, atUs }: Takeover,
  {
    away,
    back,
    place,
    decisions,
  }: Readonly<{
    away: BucketMove;
    back: BucketMove | undefined;
    place: number;
    decisions: readonly Decision[];
  }>,
): number {
  const sinceUs = Math.max(away.fromUs, atUs - SEEN_LATE_US);
  const untilUs = back?.untilUs ?? Number.POSITIVE_INFINITY;
  const later = decisions.filter(({ firstUs }) => firstUs >= sinceUs && firstUs <= untilUs);
  const stale = later.filter((decision) => decision.node === node);
  if (stale.length === 0 || later.every((decision) => decision.place === place)) return 0;
  const firstUs = stale.reduce(
    (least, decision) => Math.min(least, decision.firstUs),
    Number.POSITIVE_INFINITY,
  );
  return stale.reduce((most, decision) => Math.max(most, decision.lastUs), firstUs) - firstUs;
}
