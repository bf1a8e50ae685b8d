import type { RedisConnection } from './connection.ts';
import type { AckedPort, AckOptions, TextPort } from './port.ts';

/** Connects to the server or cluster at some addresses. Throws INVALID_OPTION. */
export interface Connect {
  /** With `readsReplicas` scripts run on replicas and may only read. */
  plain(connection: RedisConnection, options?: { readonly readsReplicas?: boolean }): TextPort;
  /** For writes that wait for the replicas. */
  acked(connection: RedisConnection, options: AckOptions): AckedPort;
}
