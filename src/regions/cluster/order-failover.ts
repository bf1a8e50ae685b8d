import type { Redis } from 'ioredis';
import { environmentFailed } from '../../core/errors.ts';
import { waitFor } from '../waiting.ts';
import { isClusterDisabled } from './cluster-view.ts';

/** The server gives up an ordered failover after 5 s. */
const FAILOVER_MS = 5_500;
const REFUSED_MS = 200;
/** The role must hold this long: the old primary may win the slots back at once. */
const STAYS_MS = 250;

/**
 * Makes a replica the primary. It checks the role and not the reply: Redis 8 replied OK and then let the failover time
 * out in 3 of 8 tries, so the command is repeated. Throws ENVIRONMENT_FAILED with the last role, or at once if the node
 * is not in cluster mode.
 */
export async function orderFailover(
  name: string,
  client: Pick<Redis, 'role' | 'call'>,
  { signal, withinMs }: { readonly signal: AbortSignal; readonly withinMs: number },
): Promise<void> {
  let orderAgainAtMs = 0;
  let primarySinceMs: number | undefined;
  await waitFor(`${name} to be a primary`, withinMs, signal, async () => {
    const role = await client.role().then(
      ([own]) => own,
      (error: Error) => error.message,
    );
    const nowMs = performance.now();
    if (role === 'master') {
      if (orderAgainAtMs === 0) return undefined; // it was the primary already
      primarySinceMs ??= nowMs;
      return nowMs - primarySinceMs < STAYS_MS
        ? `it has been a primary for less than ${STAYS_MS} ms`
        : undefined;
    }
    if (primarySinceMs !== undefined) [primarySinceMs, orderAgainAtMs] = [undefined, nowMs];
    if (nowMs >= orderAgainAtMs) {
      // The server refuses at once while the link to its primary is down: retry soon.
      const accepted = await client.call('CLUSTER', 'FAILOVER').then(
        () => true,
        (error: Error) => {
          if (isClusterDisabled(error))
            throw environmentFailed(`${name} is not in cluster mode`, 'start it with cluster-enabled yes');
          return false;
        },
      );
      orderAgainAtMs = performance.now() + (accepted ? FAILOVER_MS : REFUSED_MS);
    }
    return `its role is ${role === 'slave' ? 'replica' : role}`;
  });
}
