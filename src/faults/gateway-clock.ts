import { invalidOption } from '../core/errors.ts';
import type { GatewayClockSpec } from '../scenario/faults/gateway-clock.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** Offsets the clock of a region's Rating service. It affects strategies that decide by the service's clock. */
export const gatewayClock: Inject<GatewayClockSpec> = async ({ region, offsetMs }, context) => {
  const { setServiceClock } = context;
  if (setServiceClock === undefined) {
    throw invalidOption(`${region} has no Rating service of this run: its clock cannot be set`);
  }
  return orUndo(
    () => setServiceClock(region, offsetMs),
    () => setServiceClock(region, 0),
  );
};
