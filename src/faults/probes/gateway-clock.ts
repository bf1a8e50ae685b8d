import type { GatewayClockSpec } from '../../scenario/faults/gateway-clock.ts';
import { clockProbe } from './node.ts';
import type { MakeProbe } from './probe.ts';

/** The service's own clock moved by at least half of the offset, compared with the clock of this machine. */
export const gatewayClockProbe: MakeProbe<GatewayClockSpec> = async ({ region, offsetMs }, context) => {
  const aheadMs = async () => context.readServiceClock?.(region).catch(() => undefined);
  const whose = `the service of ${region}`;
  return clockProbe(whose, { clock: `the clock of ${whose}`, aheadMs, stepMs: offsetMs });
};
