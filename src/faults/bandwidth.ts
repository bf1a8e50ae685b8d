import { between } from '../regions/pairs.ts';
import { settleAll } from '../regions/settle-all.ts';
import type { BandwidthSpec } from '../scenario/fault-spec.ts';
import type { Inject } from './fault.ts';
import { orUndo } from './undo.ts';

/** Limits what flows between two regions, each way, per connection. */
export const bandwidth: Inject<BandwidthSpec> = async (spec, { regions: { links, topology } }) => {
  const pairs = between(spec.between, topology);
  const limit = (rateKBps: number | undefined) =>
    settleAll(pairs.map((pair) => links.setBandwidth(pair, rateKBps)));
  return orUndo(
    () => limit(Math.round(spec.rateKBps)),
    () => limit(undefined),
  );
};
