import { connectDirect } from '../cluster/connect-direct.ts';
import { waitUntilWhole } from '../cluster/form-cluster.ts';
import type { Regions } from '../provider.ts';
import { waitUntilAgreed } from './agreement.ts';
import { orderSentinelFailover } from './order-failover.ts';
import { HURRIED_MS, setPeriods } from './periods.ts';
import { PRIORITY } from './settings.ts';

/**
 * Waits until the planned primary is the only one, every other node is a linked replica, and all Sentinels agree. The
 * Sentinels hurry meanwhile: with their usual periods a former primary is demoted after 8 to 18 s, and the order that
 * brings the primary home leaves one. One limit covers all of it. Throws ENVIRONMENT_FAILED that names what is missing.
 */
export async function settleSentinels(
  regions: Pick<Regions, 'topology' | 'direct' | 'announced'>,
  signal: AbortSignal,
  withinMs: number,
): Promise<void> {
  const { topology, direct } = regions;
  const deadlineMs = performance.now() + withinMs;
  const leftMs = () => Math.max(0, deadlineMs - performance.now());
  const nodes = new Map(topology.nodes.map(({ name }) => [name, connectDirect(direct(name))]));
  const sentinels = topology.sentinels.map(({ name }) => connectDirect(direct(name)));
  const hurry = (everyMs: number | undefined) =>
    Promise.allSettled(sentinels.map((sentinel) => setPeriods(sentinel, everyMs)));
  const untilWhole = () => waitUntilWhole(topology, nodes, signal, leftMs());
  try {
    await hurry(HURRIED_MS);
    await untilWhole();
    // A program that was killed while it ordered a failover has left another.
    const clients = [...nodes.values()];
    await Promise.all(clients.map((client) => client.config('SET', 'replica-priority', PRIORITY)));
    await waitUntilAgreed(regions, signal, leftMs());
    const [home] = topology.nodes;
    const isAway = async (name: string) => (await nodes.get(name)?.role())?.[0] !== 'master';
    // Another Sentinel can still hold a vote that it began before the order, and take the primary away again.
    while (home !== undefined && (await isAway(home.name))) {
      await orderSentinelFailover(home.name, regions, { signal, withinMs: leftMs() });
      await hurry(HURRIED_MS); // the order has set the usual periods of one
      await untilWhole();
      await waitUntilAgreed(regions, signal, leftMs());
    }
  } finally {
    await hurry(undefined);
    for (const client of [...nodes.values(), ...sentinels]) client.disconnect();
  }
}
