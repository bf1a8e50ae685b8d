import { settleAll } from '../regions/waiting.ts';
import type { BandwidthSpec } from '../scenario/faults/bandwidth.ts';
import { cutPairs } from '../topology/pairs.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** Limits the rate between two regions, per direction and connection. */
export const bandwidth: Inject<BandwidthSpec> = async (spec, { regions: { links, topology } }) => {
  const pairs = cutPairs({ bridge: spec.between }, topology);
  const limit = (rateKBps: number | undefined) =>
    settleAll(pairs.map((pair) => links.setBandwidth(pair, rateKBps)));
  return orUndo(
    () => limit(Math.round(spec.rateKBps)),
    () => limit(undefined),
  );
};
