import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector } from 'ioredis';

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
