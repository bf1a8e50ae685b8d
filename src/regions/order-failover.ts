import type { Redis } from 'ioredis';
import { until } from './until.ts';

/** The server gives an ordered failover up after 5 s. */
const FAILOVER_MS = 5_500;
const REFUSED_MS = 200;

/**
 * Makes a replica the primary. The role counts, not the reply: Redis 8 answered OK and then let the failover
 * time out in 3 of 8 tries, so the order is repeated. Throws ENVIRONMENT_FAILED with its last role.
 */
export async function orderFailover(
  name: string,
  client: Redis,
  { signal, withinMs }: { readonly signal: AbortSignal; readonly withinMs: number },
): Promise<void> {
  let orderAgainAtMs = 0;
  await until(`${name} to be a primary`, withinMs, signal, async () => {
    const role = await client.role().then(
      ([own]) => own,
      (error: Error) => error.message,
    );
    if (role === 'master') return undefined;
    if (performance.now() >= orderAgainAtMs) {
      // Refused at once while its primary is not linked: soon asked again.
      const accepted = await client.call('CLUSTER', 'FAILOVER').then(
        () => true,
        () => false,
      );
      orderAgainAtMs = performance.now() + (accepted ? FAILOVER_MS : REFUSED_MS);
    }
    return `its role is ${role === 'slave' ? 'replica' : role}`;
  });
}
