import { OpenclawError } from '../core/errors.ts';
import type { GatewayClockSpec } from '../scenario/fault-spec.ts';
import type { Inject } from './fault.ts';
import { orUndo } from './undo.ts';

/** The clock of a region's Rating service is wrong: it matters to strategies that decide by the service's clock. */
export const gatewayClock: Inject<GatewayClockSpec> = async ({ region, offsetMs }, context) => {
  const { setServiceClock } = context;
  if (setServiceClock === undefined) {
    throw new OpenclawError(
      'INVALID_OPTION',
      `no Rating service of ours runs in ${region}: its clock cannot be set`,
    );
  }
  return orUndo(
    () => setServiceClock(region, offsetMs),
    () => setServiceClock(region, 0),
  );
};
