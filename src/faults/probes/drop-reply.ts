import type { DropReplySpec } from '../../scenario/faults/drop-reply.ts';
import { regionPairs } from '../../topology/topology.ts';
import { arrivesUnanswered, deadAmong } from './cut.ts';
import { type MakeProbe, neverSeen } from './probe.ts';
import { waysToNodes } from './reach.ts';

/** An ECHO arrives, and its reply does not. */
export const dropReplyProbe: MakeProbe<DropReplySpec> = async (spec, { regions }) => {
  const pairs = regionPairs(regions.topology.regions).filter(({ from }) => spec.regions.includes(from));
  const ways = await waysToNodes(regions, pairs);
  if ('saw' in ways) return neverSeen(ways);
  const before = await deadAmong(ways);
  return { looks: 'throughout', look: async () => before ?? arrivesUnanswered(ways, regions) };
};
