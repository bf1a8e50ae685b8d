import type { DropReplySpec } from '../../scenario/faults/drop-reply.ts';
import { regionPairs } from '../../topology/topology.ts';
import { arrivesUnanswered } from './cut.ts';
import type { MakeProbe } from './probe.ts';
import { send, waysOf } from './reach.ts';

/** An ECHO arrives, and its reply does not. */
export const dropReplyProbe: MakeProbe<DropReplySpec> = async (spec, { regions }) => {
  const pairs = regionPairs(regions.topology.regions).filter(({ from }) => spec.regions.includes(from));
  const all = await waysOf(regions, pairs);
  const answers = await Promise.all(all.map((way) => send(way, ['PING'])));
  const ways = all.filter((_, at) => answers[at]?.isAnswered);
  return {
    looks: 'throughout',
    look: async () =>
      ways.length === 0
        ? { bit: false, saw: 'no link of it had a reply before the fault' }
        : arrivesUnanswered(ways, regions),
  };
};
