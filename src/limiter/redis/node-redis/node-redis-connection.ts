import { OpenclawError } from '../../../core/errors.ts';
import { closedError, describeFailure } from '../errors.ts';
import type { NodeRedisStandalone } from './client.ts';

/** An error reply with the node that sent it: the command has a reply and is no longer in flight. */
export class NodeReplyError extends Error {
  override readonly name = 'ReplyError';
  readonly node: string;

  constructor(message: string, node: string) {
    super(message);
    this.node = node;
  }
}

/** Overrides the command options of the caller's client: replies are numbers, and no command jumps the queue. */
const PLAIN = { typeMapping: {}, asap: false, timeout: undefined, chainId: undefined };

const ABORTED = 'The command was aborted';

/** A handshake may take longer than a command: after a timeout it starts again from the beginning. */
export const LEAST_HANDSHAKE_MS = 5_000;

interface Waiter {
  resolve(): void;
  reject(error: OpenclawError): void;
}

/**
 * The connection to one node, over a client of node-redis. It writes a command at most once. A written command without
 * a reply fails with `charge: possible`. `charge: none` needs a proof: the command never reached the client, or its
 * abort took effect, which happens only before the write.
 */
export class NodeRedisConnection {
  readonly address: string;
  readonly #open: () => NodeRedisStandalone;
  readonly #handshakeMs: number;
  readonly #unsettled = new Set<AbortController>();
  readonly #waiters = new Set<Waiter>();
  #client!: NodeRedisStandalone;
  /** When the attempt to connect that is under way began; Infinity if none is. */
  #attemptMs = Number.POSITIVE_INFINITY;
  #heardMs = 0;
  /** Whether the last attempt to connect failed. */
  #hasFailed = false;
  /** Whether a connection attempt has no socket yet. */
  #isDialling = false;
  #lastError: Error | undefined;
  #isClosed = false;

  /** `open` returns a client that reconnects by itself and queues no commands while it is disconnected. */
  constructor(address: string, open: () => NodeRedisStandalone, timeoutMs: number) {
    this.address = address;
    this.#open = open;
    this.#handshakeMs = Math.max(timeoutMs, LEAST_HANDSHAKE_MS);
    this.#start();
  }

  /**
   * Sends a command, directly after `prefix` if there is one, and returns its reply. Rejects with a NodeReplyError, or
   * with an OpenclawError at the latest at `deadlineMs` of `performance.now()`: at once if the last attempt to connect
   * failed, since the next one may fail as well. PING awaits the next one.
   */
  async send(args: readonly string[], deadlineMs: number, prefix?: readonly string[]): Promise<unknown> {
    while (!this.#client.isReady) {
      if (this.#hasFailed && args[0] !== 'PING') throw this.#refusal();
      await this.#untilReady(deadlineMs);
    }
    const client = this.#client;
    const controller = new AbortController();
    const options = { ...PLAIN, abortSignal: controller.signal };
    const sentMs = performance.now();
    this.#unsettled.add(controller);
    if (prefix !== undefined) client.sendCommand(prefix, options).catch(() => {});
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#unsettled.delete(controller);
      };
      const giveUp = () => {
        controller.abort();
        setImmediate(() => {
          if (!this.#unsettled.delete(controller)) return;
          reject(new OpenclawError('REPLY_TIMEOUT', `${this.address} did not reply in time`));
          if (this.#heardMs < sentMs) this.#renew(client);
        });
      };
      const timer = setTimeout(giveUp, Math.max(1, deadlineMs - sentMs));
      client.sendCommand(args, options).then(
        (reply) => {
          settle();
          this.#heardMs = performance.now();
          resolve(reply);
        },
        (error: Error) => {
          settle();
          reject(this.#describe(error, controller.signal.aborted));
        },
      );
    });
  }

  /** Written commands fail with `charge: possible`, others with `charge: none`. */
  close(): void {
    this.#isClosed = true;
    this.#drop(this.#client, this.#isDialling);
  }

  #describe(error: Error, wasAborted: boolean): Error {
    if (wasAborted && error.message === ABORTED) return this.#unsent('the request was not sent in time');
    // A connection error fails every written command; its message may look like a reply.
    if (error !== this.#lastError && /^[A-Z]+ /.test(error.message)) {
      this.#heardMs = performance.now();
      return new NodeReplyError(error.message, this.address);
    }
    return new OpenclawError('REPLY_LOST', `${this.address} closed the connection before it replied`, {
      cause: error,
    });
  }

  #unsent(why: string): OpenclawError {
    return describeFailure(new Error(why), { written: false, node: this.address }, this.#lastError);
  }

  #refusal(): OpenclawError {
    if (this.#isClosed) return closedError();
    this.#renewIfLate(this.#client);
    return this.#unsent('the last attempt to connect failed');
  }

  #untilReady(deadlineMs: number): Promise<void> {
    if (this.#isClosed) throw closedError();
    return new Promise((resolve, reject) => {
      const client = this.#client;
      const waiter: Waiter = {
        resolve() {
          clearTimeout(timer);
          resolve();
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      const giveUp = () => {
        this.#waiters.delete(waiter);
        reject(this.#unsent(`${this.address} did not answer the handshake in time`));
        this.#renewIfLate(client);
      };
      const timer = setTimeout(giveUp, Math.max(1, deadlineMs - performance.now()));
      this.#waiters.add(waiter);
    });
  }

  #start(): void {
    const client = this.#open();
    this.#client = client;
    this.#attemptMs = performance.now();
    this.#isDialling = true;
    client.on('connect', () => {
      if (client === this.#client) this.#isDialling = false;
    });
    client.on('reconnecting', () => {
      if (client !== this.#client) return;
      this.#isDialling = true;
      this.#attemptMs = performance.now();
    });
    client.on('ready', () => {
      if (client !== this.#client) return;
      this.#lastError = undefined;
      this.#hasFailed = false;
      this.#attemptMs = Number.POSITIVE_INFINITY;
      for (const waiter of this.#takeWaiters()) waiter.resolve();
    });
    client.on('error', (error) => {
      if (client !== this.#client) return;
      this.#isDialling = false;
      this.#lastError = error;
      this.#hasFailed ||= Number.isFinite(this.#attemptMs);
      this.#attemptMs = Number.POSITIVE_INFINITY;
      // The socket is open, so its data could not be parsed; later replies cannot be matched to commands.
      if (client.isReady) return this.#renew(client);
      // Runs before the client fails its written commands; unwritten ones must not wait for the next connection.
      this.#abortUnwritten();
      for (const waiter of this.#takeWaiters()) waiter.reject(this.#unsent(error.message));
    });
  }

  #takeWaiters(): Waiter[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    return waiters;
  }

  #abortUnwritten(): void {
    for (const controller of this.#unsettled) controller.abort();
  }

  #renewIfLate(client: NodeRedisStandalone): void {
    if (client !== this.#client || performance.now() - this.#attemptMs < this.#handshakeMs) return;
    this.#hasFailed = true;
    this.#renew(client);
  }

  /** Replaces a connection that is silent, during the handshake or later, or that sends invalid data. */
  #renew(client: NodeRedisStandalone): void {
    if (client !== this.#client || this.#isClosed) return;
    const wasDialling = this.#isDialling;
    this.#start();
    this.#drop(client, wasDialling);
  }

  #drop(client: NodeRedisStandalone, isDialling: boolean): void {
    this.#abortUnwritten();
    const destroy = () => {
      if (client.isOpen) client.destroy();
    };
    if (!isDialling) destroy();
    // A connecting client ignores `destroy`, so it is destroyed on the next turn.
    else for (const event of ['connect', 'error']) client.on(event, () => setImmediate(destroy));
    if (this.#isClosed) for (const waiter of this.#takeWaiters()) waiter.reject(closedError());
  }
}
