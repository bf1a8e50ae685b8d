import type { Redis } from 'ioredis';
import { environmentFailed } from '../../core/errors.ts';
import type { Topology } from '../../topology/topology.ts';
import { connectDirect } from '../cluster/connect-direct.ts';
import type { Endpoint } from '../provider.ts';

/** How often a Sentinel reads INFO, and tells the others what it knows; without an order. */
const USUAL = { 'info-period': 10_000, 'publish-period': 2_000 };

/** A Sentinel that is in a hurry does both so often. It demotes a former primary after four publish periods. */
export const HURRIED_MS = 500;

/**
 * It pings every 0.1 s instead of every second, so that Sentinels suspect a node in the order of their settings. After a
 * stall of 2 s it acts again within 3 s instead of 30 s.
 */
const OURS = { 'ping-period': 100, 'tilt-period': 3_000 };

/** A Sentinel that has just started on a busy machine gets this long. */
const ORDER_MS = 10_000;

/** Sets both periods of a Sentinel until it ends; `undefined` sets the usual ones. */
export async function setPeriods(sentinel: Pick<Redis, 'call'>, everyMs: number | undefined): Promise<void> {
  const periods = Object.entries(USUAL).flatMap(([name, usualMs]) => [name, everyMs ?? usualMs]);
  await sentinel.call('SENTINEL', 'DEBUG', ...periods);
}

/** Sets the periods that no configuration file can, after each start of a Sentinel; for a node it does nothing. */
export async function setOurPeriods(
  { sentinels }: Pick<Topology, 'sentinels'>,
  name: string,
  direct: Endpoint,
): Promise<void> {
  if (!sentinels.some((sentinel) => sentinel.name === name)) return;
  const client = connectDirect(direct, ORDER_MS);
  try {
    await client.call('SENTINEL', 'DEBUG', ...Object.entries(OURS).flat());
  } catch (error) {
    throw environmentFailed(`${name} refuses its periods: ${(error as Error).message}`);
  } finally {
    client.disconnect();
  }
}
