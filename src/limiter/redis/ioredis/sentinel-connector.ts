import { type Redis, SentinelConnector } from 'ioredis';

type Connect = SentinelConnector['connect'];

/** The members of the connector that are used; private in the types of ioredis. */
interface Hooks {
  connectToSentinel(sentinel: object, options?: object): Redis;
  /** Waits for the news of a failover, and then disconnects. */
  failoverDetector: { readonly isDisconnected: boolean; cleanup(): void } | null;
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
 * client for good; this one asks the Sentinels again. It also prints no errors of Sentinels that are down, and
 * outlives connections to them that end at any moment.
 */
export class FollowingConnector extends SentinelConnector {
  #isConnecting = false;
  #hasNews = false;

  constructor(options: unknown) {
    super(options as ConstructorParameters<typeof SentinelConnector>[0]);
    const hooks = this as unknown as Hooks;
    const connectToSentinel = hooks.connectToSentinel.bind(this);
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
        const stream = await super.connect(onError);
        if (!this.#hasNews) return stream;
        stream.destroy();
      }
    } finally {
      this.#isConnecting = false;
    }
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
