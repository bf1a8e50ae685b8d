import { backoff } from './command-timeout.ts';
import type { NodeRedisStandalone } from './node-redis-client.ts';
import { NodeRedisLink } from './node-redis-link.ts';
import type { NodeRedisRoute } from './node-redis-port.ts';

/** The settings of each connection of a port, whatever the client has that was handed in. */
export const ONCE_ONLY = {
  disableOfflineQueue: true, // a command waits for a connection here, or not at all
  commandsQueueMaxLength: undefined,
  maintNotifications: 'disabled', // no command goes to another node than it was given to
  clientSideCache: undefined,
  emitInvalidate: false,
  commandOptions: undefined,
  readonly: false,
  pingInterval: undefined, // a PING that fails would look like a connection that has
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
  const link = new NodeRedisLink(address, open, timeoutMs);
  return {
    async send(_key, args, deadlineMs) {
      return { reply: await link.send(args, deadlineMs), node: address };
    },
    close: () => link.close(),
  };
}
