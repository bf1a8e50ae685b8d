import { PERIODS } from './periods.ts';
import type { Watched } from './watched.ts';

interface Limits {
  readonly nowMs: number;
  /** The most since its last INFO. */
  readonly infoMs: number;
  /** The most that its link to the primary may be down. */
  readonly mostDownMs: number;
}

/**
 * The replica to promote: of those that are connected, recently heard of, and not too far behind, the one with the lowest
 * priority, then the most data, then the lowest run id.
 */
export function selectReplica(
  replicas: readonly Watched[],
  { nowMs, infoMs, mostDownMs }: Limits,
): Watched | undefined {
  const good = replicas.flatMap((replica) => {
    const { info, link, isDown } = replica;
    if (isDown || !link.isConnected || info === undefined || info.priority === 0) return [];
    const isFresh = nowMs - link.availableMs <= 5 * PERIODS.pingMs && nowMs - replica.infoMs <= infoMs;
    return isFresh && info.linkDownMs <= mostDownMs ? [{ replica, info }] : [];
  });
  good.sort(
    ({ info: a }, { info: b }) =>
      a.priority - b.priority || b.offset - a.offset || (a.runId < b.runId ? -1 : 1),
  );
  return good[0]?.replica;
}
