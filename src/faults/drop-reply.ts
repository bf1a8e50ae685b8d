import { settleAll } from '../regions/settle-all.ts';
import { regionPairs } from '../regions/topology.ts';
import type { DropReplySpec } from '../scenario/fault-spec.ts';
import type { Inject } from './fault.ts';
import { orUndo } from './undo.ts';

/** Requests that leave these regions arrive abroad, and the replies to them are lost. */
export const dropReply: Inject<DropReplySpec> = async (spec, { regions: { links, topology } }) => {
  const pairs = regionPairs(topology.regions).filter(({ from }) => spec.regions.includes(from));
  return orUndo(
    () => settleAll(pairs.map((pair) => links.dropReplies(pair))),
    () => settleAll(pairs.map((pair) => links.passReplies(pair))),
  );
};
