import { OpenclawError } from '../core/errors.ts';
import { orderFailover } from '../regions/order-failover.ts';
import type { FailoverSpec } from '../scenario/fault-spec.ts';
import { ask } from './ask.ts';
import type { Inject } from './fault.ts';

/** The server gives one order up after 5 s: time for three. */
const FAILOVER_MS = 20_000;

/** An ordered failover: this replica becomes the primary. Nothing to undo: primaries are brought home by `settle`. */
export const failover: Inject<FailoverSpec> = async ({ node }, { regions, signal }) => {
  await ask(node, regions, async (client) => {
    const [role] = await client.role();
    if (role === 'master') {
      throw new OpenclawError(
        'INVALID_OPTION',
        `${node} is a primary already: an ordered failover needs a replica`,
        {
          hint: 'see which nodes are replicas: openclaw-rl status',
        },
      );
    }
    await orderFailover(node, client, { signal, withinMs: FAILOVER_MS });
  });
  return async () => {};
};
