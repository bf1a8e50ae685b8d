import { invalidOption } from '../../core/errors.ts';
import type { RedisAccess } from '../../regions/network/redis-access.ts';
import type { FaultContext } from './fault.ts';

/** How services reach Redis. Throws INVALID_OPTION where that cannot be changed. */
export function accessOf(fault: string, { access }: FaultContext['regions']): RedisAccess {
  if (access !== undefined) return access;
  throw invalidOption(
    `${fault} needs local regions of this version: elsewhere services reach their own nodes past the Toxiproxy`,
    'start local regions, with down and up; or break Redis by a command of yours: fault: command',
  );
}
