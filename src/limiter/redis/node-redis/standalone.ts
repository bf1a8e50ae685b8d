import { backoff } from '../command-timeout.ts';
import type { NodeRedisStandalone } from './client.ts';
import { NodeRedisConnection } from './node-redis-connection.ts';
import type { NodeRedisRoute } from './port.ts';

/** The options of each connection of a port; they override those of the caller's client. */
export const ONCE_ONLY = {
  disableOfflineQueue: true, // the port itself waits for a connection
  commandsQueueMaxLength: undefined,
  maintNotifications: 'disabled', // no command moves to another node
  clientSideCache: undefined,
  emitInvalidate: false,
  commandOptions: undefined,
  readonly: false,
  pingInterval: undefined, // a failed PING would look like a failed connection
} as const;

/** All commands go to one server. */
export function standaloneRoute(given: NodeRedisStandalone, timeoutMs: number): NodeRedisRoute {
  const { socket } = given.options;
  const address = socket?.path ?? `${socket?.host ?? 'localhost'}:${socket?.port ?? 6379}`;
  const open = () => {
    const client = given.duplicate({
      ...ONCE_ONLY,
      socket: { ...socket, reconnectStrategy: backoff, socketTimeout: undefined },
    });
    client.connect().catch(() => {}); // its errors are events
    return client;
  };
  const connection = new NodeRedisConnection(address, open, timeoutMs);
  return {
    async send(_key, args, deadlineMs) {
      return { reply: await connection.send(args, deadlineMs), node: address };
    },
    close: () => connection.close(),
  };
}
