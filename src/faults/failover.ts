import { invalidOption } from '../core/errors.ts';
import { orderFailover } from '../regions/cluster/order-failover.ts';
import { orderSentinelFailover } from '../regions/sentinel/order-failover.ts';
import type { FailoverSpec } from '../scenario/faults/failover.ts';
import { isInCluster } from '../topology/topology.ts';
import { ask } from './support/ask.ts';
import type { Inject } from './support/fault.ts';

/** Time for three attempts: the server gives up each after 5 s. */
const FAILOVER_MS = 20_000;

/** An ordered failover: the replica becomes the primary. Its undo does nothing; `settle` restores the primaries. */
export const failover: Inject<FailoverSpec> = async ({ node }, { regions, signal }) => {
  await ask(node, regions, async (client) => {
    const [role] = await client.role();
    if (role === 'master') {
      throw invalidOption(
        `${node} is a primary already: an ordered failover needs a replica`,
        'see which nodes are replicas: openclaw-rl status',
      );
    }
    const ordered = { signal, withinMs: FAILOVER_MS };
    if (isInCluster(regions.topology)) await orderFailover(node, client, ordered);
    else await orderSentinelFailover(node, regions, ordered);
  });
  return async () => {};
};
