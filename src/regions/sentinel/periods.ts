import type { Redis } from 'ioredis';

/** How often a Sentinel reads INFO, and tells the others what it knows; without an order. */
const USUAL = { 'info-period': 10_000, 'publish-period': 2_000 };

/** A Sentinel that is in a hurry does both so often. It demotes a former primary after four publish periods. */
export const HURRIED_MS = 500;

/** Sets both periods of a Sentinel until it ends; `undefined` sets the usual ones. */
export async function setPeriods(sentinel: Pick<Redis, 'call'>, everyMs: number | undefined): Promise<void> {
  const periods = Object.entries(USUAL).flatMap(([name, usualMs]) => [name, everyMs ?? usualMs]);
  await sentinel.call('SENTINEL', 'DEBUG', ...periods);
}
