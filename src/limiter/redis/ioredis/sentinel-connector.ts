import { Socket } from 'node:net';
import { type Redis, SentinelConnector } from 'ioredis';

type Connect = SentinelConnector['connect'];
type Options = ConstructorParameters<typeof SentinelConnector>[0];

/** The members of the connector that are used; private in the types of ioredis. */
interface Hooks {
  connectToSentinel(sentinel: object, options?: object): Redis;
  /** Waits for the news of a failover, and then disconnects. */
  failoverDetector: { readonly isDisconnected: boolean; cleanup(): void } | null;
  /** Runs once the socket to the primary is connected, also if it was ended meanwhile. */
  initFailoverDetector(): Promise<void>;
}

const NEWS = '+switch-master';

/**
 * Subscribes again after each further connection. ioredis would do so without a handler, so that a connection that ends
 * meanwhile ended the process with an unhandled rejection.
 */
function resubscribe(client: Redis): void {
  client.once('ready', () => client.on('ready', () => void client.subscribe(NEWS).catch(() => {})));
}

/**
 * Follows failovers without end. The connector of ioredis that has the news of a failover while it connects ends its
 * client for good; this one asks the Sentinels again. Where none of them names a primary, that of ioredis goes on by
 * itself, and commands wait; here it is a failed attempt to connect. It also prints no errors of Sentinels that are
 * down, outlives connections to them that end at any moment, and leaves none when it is closed.
 */
export class FollowingConnector extends SentinelConnector {
  #isConnecting = false;
  #hasNews = false;

  constructor(options: unknown) {
    super({ ...(options as Options), sentinelRetryStrategy: () => null }); // the client tries again
    const hooks = this as unknown as Hooks;
    const connectToSentinel = hooks.connectToSentinel.bind(this);
    const initFailoverDetector = hooks.initFailoverDetector.bind(this);
    hooks.initFailoverDetector = async () => {
      if (this.connecting) await initFailoverDetector(); // else its subscription outlived the client
    };
    hooks.connectToSentinel = (sentinel, more) => {
      const client = connectToSentinel(sentinel, { ...more, autoResubscribe: false });
      client.on('error', () => {}); // without a listener ioredis prints them
      if (more !== undefined) resubscribe(client);
      return client;
    };
  }

  override async connect(onError: Parameters<Connect>[0]): ReturnType<Connect> {
    this.#isConnecting = true;
    try {
      for (;;) {
        this.#hasNews = false;
        const stream = await super.connect(onError).catch((error: Error) => this.#lost(error));
        if (!this.#hasNews) return stream;
        stream.destroy();
      }
    } finally {
      this.#isConnecting = false;
    }
  }

  /** A closed socket: for the client a failed attempt, after which it fails its commands and tries again later. */
  #lost(error: Error): Socket {
    if (!this.connecting) throw error;
    this.firstError = new Error(error.message.replace(' and retry is disabled', ''));
    return new Socket().destroy();
  }

  override disconnect(): void {
    const hooks = this as unknown as Hooks;
    const detector = hooks.failoverDetector;
    const isNews = detector?.isDisconnected === true; // it disconnects itself before it calls this
    hooks.failoverDetector = null;
    detector?.cleanup();
    if (isNews && this.#isConnecting) this.#hasNews = true;
    else super.disconnect();
  }
}
