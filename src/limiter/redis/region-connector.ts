import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type Redis } from 'ioredis';
import { FollowingConnector } from './ioredis/sentinel-connector.ts';

interface ConnectorOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: object;
  readonly disconnectTimeout?: number;
}

/**
 * A connector for ioredis that connects from one local address, which places a client in a region of the local
 * provider. ioredis itself ignores `localAddress` without TLS.
 */
export function connectorFrom(localAddress: string): new (options: unknown) => AbstractConnector {
  return class RegionConnector extends AbstractConnector {
    readonly #options: ConnectorOptions;

    constructor(options: unknown) {
      const known = options as ConnectorOptions; // ioredis passes all of its options
      super(known.disconnectTimeout ?? 2_000);
      this.#options = known;
    }

    override async connect(): Promise<Socket> {
      const { host = '127.0.0.1', port = 6379, tls } = this.#options;
      this.connecting = true;
      await new Promise((resolve) => process.nextTick(resolve)); // ioredis may disconnect in the same tick
      if (!this.connecting) throw new Error('Connection is closed.');
      const place: TcpNetConnectOpts = { host, port, localAddress };
      const socket = tls === undefined ? connect(place) : connectTls({ ...place, ...tls });
      this.stream = socket;
      return socket;
    }
  };
}

interface Found {
  readonly host: string;
  readonly port: number;
}

/** The members of the connector of ioredis that this one replaces; private in its types. */
interface Hooks {
  connectToSentinel(sentinel: Found, options?: object): Redis;
  sentinelNatResolve(found: Found | null): Found | null;
}

/** The same for a client that finds its server by Sentinels: it asks them from the local address, too. */
export function sentinelConnectorFrom(localAddress: string): new (options: unknown) => AbstractConnector {
  const Connector = connectorFrom(localAddress);
  return class RegionSentinelConnector extends FollowingConnector {
    constructor(options: unknown) {
      super(options);
      const hooks = this as unknown as Hooks;
      const connectToSentinel = hooks.connectToSentinel.bind(this);
      const resolve = hooks.sentinelNatResolve.bind(this);
      hooks.connectToSentinel = (sentinel, more) => connectToSentinel(sentinel, { ...more, Connector });
      hooks.sentinelNatResolve = (found) => {
        const reached = resolve(found);
        return reached && { ...reached, localAddress }; // passed to net.connect, or tls.connect
      };
    }
  };
}
