import type { GatewayClockSpec } from '../../scenario/faults/gateway-clock.ts';
import { moved } from './node.ts';
import type { MakeProbe } from './probe.ts';

/** The service's own clock moved by at least half of the offset, compared with the clock of this machine. */
export const gatewayClockProbe: MakeProbe<GatewayClockSpec> = async ({ region, offsetMs }, context) => {
  const { readServiceClock } = context;
  const aheadMs = async () => readServiceClock?.(region).catch(() => undefined);
  const before = await aheadMs();
  return {
    looks: 'throughout',
    async look() {
      const now = await aheadMs();
      if (before === undefined || now === undefined)
        return { bit: false, saw: `the service of ${region} does not tell its time` };
      return moved(`the clock of the service of ${region}`, now - before, offsetMs);
    },
  };
};
