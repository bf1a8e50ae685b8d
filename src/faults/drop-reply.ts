import { settleAll } from '../regions/waiting.ts';
import type { DropReplySpec } from '../scenario/faults/drop-reply.ts';
import { regionPairs } from '../topology/topology.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** Drops the replies to requests from these regions to others; the requests arrive. */
export const dropReply: Inject<DropReplySpec> = async (spec, { regions: { links, topology } }) => {
  const pairs = regionPairs(topology.regions).filter(({ from }) => spec.regions.includes(from));
  return orUndo(
    () => settleAll(pairs.map((pair) => links.dropReplies(pair))),
    () => settleAll(pairs.map((pair) => links.passReplies(pair))),
  );
};
