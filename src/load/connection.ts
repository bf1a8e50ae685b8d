import type { Request } from './arrivals.ts';
import type { ConnectionRequests, LoadState } from './connection-requests.ts';
import type { ReadReply } from './outcome.ts';
import type { OpenOperation, Recorder } from './recorder.ts';
import type { WriteRequest } from './target.ts';

/** One connection of the load: it has at most one request in flight. */
export interface LoadConnection {
  /** The place of its target among the targets. */
  readonly region: number;
  /**
   * Sends this request, or one that its own stream draws, on a new socket where the last has ended; not while the load drains.
   */
  send(intendedUs?: number, request?: Request): void;
}

/** Decides when connections send. */
export interface Pace {
  /** The connection can send again: it is new, its request was answered, or its socket has ended. */
  free(connection: LoadConnection, why: 'new' | 'answered' | 'ended'): void;
  /** All connections exist, and this is when the load begins. */
  start(atUs: number): void;
  /** Sends what is due: all of the load, or, if it ends early, what is due by now. Nothing is sent afterwards. */
  stop(how: { readonly isEarly: boolean }): void;
}

/** The part of autocannon's client (9.0.0, pinned) that this file uses; its typings lack most of it. */
interface Client {
  on(event: 'headers', listener: (head: ReplyHead) => void): void;
  destroy(): void;
  readonly destroyed: boolean;
  readonly conn: { once(event: 'connect', listener: () => void): void };
  /** Of http-parser-js; `offset` to `end` is the unread rest of the last packet. */
  readonly parser: {
    initialize(type: 'RESPONSE'): void;
    execute(chunk: Buffer): number | Error;
    offset: number;
    readonly end: number;
  };
  requestIterator: {
    readonly currentRequest: { requestBuffer: string };
    nextRequest(): void;
    recordBody(request: object, status: number, body: string, rawHeaders: readonly string[]): void;
  };
  _connect(): void;
  _destroyConnection(): void;
  _doRequest(): void;
}

interface ReplyHead {
  readonly statusCode: number;
  readonly shouldKeepAlive: boolean;
}

/** The load and the region of a connection. */
export interface ConnectionOptions {
  readonly load: LoadState;
  readonly pace: Pace;
  readonly recorder: Recorder;
  readonly requests: ConnectionRequests;
  readonly write: WriteRequest;
  readonly read: ReadReply;
  readonly region: { readonly index: number };
}

/**
 * Replaces three habits of autocannon. It reconnects at once when a connection ends (67,000 refused connections in 3 s
 * were seen). It continues to parse where the last reply broke off, so the next reply would be taken for the rest. It
 * sends the next request at once, without regard to the pace or to a server that closes. This file also replaces its
 * request iterator, which costs twice as much as the rest of autocannon.
 */
export function driveConnection(autocannonClient: object, options: ConnectionOptions): void {
  const client = autocannonClient as Client;
  const connection = new DrivenConnection(client, options);
  client.requestIterator = connection.requests;

  // A server that announces a close reads no more; after an interim reply (1xx) the final one is still to come.
  client.on('headers', ({ statusCode, shouldKeepAlive }) => {
    connection.isLastReply = !shouldKeepAlive || statusCode < 200;
  });

  // For bytes that are not HTTP the parser returns an error, which autocannon ignores.
  const parse = client.parser.execute.bind(client.parser);
  client.parser.execute = (chunk) => {
    const parsed = parse(chunk);
    if (parsed instanceof Error) client._connect();
    return parsed;
  };

  client._doRequest = () => connection.answered();
  client._connect = () => connection.ended();
}

class DrivenConnection implements LoadConnection {
  readonly region: number;
  readonly requests: Client['requestIterator'];
  isLastReply = false;
  readonly #client: Client;
  readonly #options: ConnectionOptions;
  readonly #next = { requestBuffer: '' };
  readonly #sendNext: () => void;
  readonly #openSocket: () => void;
  #operation: OpenOperation | undefined;
  #isBusy = true;
  #isNew = true;
  #isOpening = false;
  #isOpen = false;
  #isConnected = false;

  constructor(client: Client, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
    this.#sendNext = client._doRequest.bind(client);
    this.#openSocket = client._connect.bind(client);
    this.region = options.region.index;
    const { recorder, read } = options;
    this.requests = {
      currentRequest: this.#next,
      nextRequest: () => {},
      recordBody: (_request, status, body, rawHeaders) => {
        if (this.#operation === undefined) return;
        recorder.complete(this.#operation, read(status, rawHeaders, body));
        this.#operation = undefined;
      },
    };
  }

  send(intendedUs?: number, request: Request = this.#options.requests.draw()): void {
    const { load, requests, write } = this.#options;
    if (load.isDraining || this.#client.destroyed) return;
    if (!this.#isOpen) this.#open();
    this.#isBusy = true;
    const { user, cost, actual, body = requests.random } = request;
    this.#next.requestBuffer = write(user, cost, body, actual);
    this.#operation = requests.invoke(request, intendedUs);
    this.#sendNext();
  }

  /** Its reply has come, and autocannon would send the next request. */
  answered(): void {
    if (this.#isOpening) return;
    const { parser } = this.#client;
    const hasSurplus = parser.offset < parser.end; // more bytes than the reply has: they answer no request
    if (this.#options.load.isDraining) this.#client.destroy();
    else if (this.isLastReply || hasSurplus) this.#client._connect();
    else this.#free('answered');
  }

  /** Its socket has ended, and autocannon would connect again; or it is new. */
  ended(): void {
    if (this.#isNew) {
      this.#isNew = false;
      this.#open();
      this.#free('new');
      return;
    }
    const { recorder } = this.#options;
    const { parser } = this.#client;
    this.#isOpen = false;
    this.#client._destroyConnection(); // with its listeners: an error after the end must not connect a second time
    parser.initialize('RESPONSE');
    parser.offset = parser.end;
    if (this.#operation !== undefined) {
      if (this.#isConnected) recorder.lose(this.#operation, 'CONNECTION_LOST');
      else recorder.fail(this.#operation, 'CONNECT_FAILED'); // a socket that never connected has sent nothing
      this.#operation = undefined;
    }
    this.#free('ended');
  }

  #open(): void {
    this.#isOpen = true;
    this.#isConnected = false;
    this.isLastReply = false;
    this.#isOpening = true; // autocannon sends as soon as there is a socket
    this.#openSocket();
    this.#isOpening = false;
    this.#client.conn.once('connect', () => {
      this.#isConnected = true;
    });
  }

  #free(why: 'new' | 'answered' | 'ended'): void {
    if (!this.#isBusy) return; // its socket ended while it had nothing to do
    this.#isBusy = false;
    this.#options.pace.free(this, why);
  }
}
