import type { Random } from '../core/prng.ts';
import type { ReadReply } from './outcome.ts';
import type { OpenOperation, Recorder } from './recorder.ts';
import { bucketOf, type WriteRequest } from './target.ts';
import type { UserDraw } from './users.ts';

/** One connection of the load: it has at most one request in flight. */
export interface LoadConnection {
  /** The place of its target among the targets. */
  readonly region: number;
  /** Sends the next request, on a new socket where the last has ended; not while the load drains. */
  send(intendedUs?: number): void;
}

/** Says when connections send. */
export interface Pace {
  /** The connection can send again: it is new, its request was answered, or its socket has ended. */
  free(connection: LoadConnection, why: 'new' | 'answered' | 'ended'): void;
  /** All connections are there. */
  start(): void;
  /** Sends what is due up to now, and no more. */
  stop(): void;
}

/** What this file uses of autocannon's client (9.0.0, pinned), most of it missing in its typings. */
interface Client {
  on(event: 'headers', listener: (head: ReplyHead) => void): void;
  destroy(): void;
  readonly destroyed: boolean;
  readonly conn: { once(event: 'connect', listener: () => void): void };
  /** Of http-parser-js; `offset` to `end` is what it has not read of the packet that came last. */
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

/** What the connections of one load share. */
export interface LoadState {
  isDraining: boolean;
  readonly startedUs: number;
  /** When its first request was sent. */
  firstUs?: number;
}

/** What a connection needs to know of its load and of its region. */
export interface ConnectionOptions {
  readonly load: LoadState;
  readonly pace: Pace;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly draw: UserDraw;
  readonly costs: readonly number[];
  readonly write: WriteRequest;
  readonly read: ReadReply;
  /** Its number among the connections. */
  readonly process: number;
  readonly region: { readonly index: number; readonly name: string };
}

/**
 * Takes over where autocannon acts on its own: it reconnects at once when a connection ends (67,000 refused
 * connections in 3 s were seen) and reads on where the last reply broke off, so the next one would be taken for
 * its rest; and it sends the next request whatever the hour, the pace and the server said. What it sends, and
 * what is made of the reply, comes from a request iterator of ours: its own builds requests at twice the cost of
 * everything else it does.
 */
export function driveConnection(autocannonClient: object, options: ConnectionOptions): void {
  const client = autocannonClient as Client;
  const { load, pace, recorder, random, draw, costs, write, read, process, region } = options;
  const next = { requestBuffer: '' };
  let operation: OpenOperation | undefined;
  let isBusy = true;
  let isNew = true;
  let isOpening = false;
  let isOpen = false;
  let isConnected = false;
  let isLastReply = false;
  const sendNext = client._doRequest.bind(client);
  const openSocket = client._connect.bind(client);

  client.requestIterator = {
    currentRequest: next,
    nextRequest: () => {},
    recordBody: (_request, status, body, rawHeaders) => {
      if (operation === undefined) return;
      recorder.complete(operation, read(status, rawHeaders, body));
      operation = undefined;
    },
  };

  // A server that says it closes reads no more; an interim reply (1xx) leaves the answer still to come.
  client.on('headers', ({ statusCode, shouldKeepAlive }) => {
    isLastReply = !shouldKeepAlive || statusCode < 200;
  });

  // What is no HTTP is given back as an error, which autocannon does not look at.
  const parse = client.parser.execute.bind(client.parser);
  client.parser.execute = (chunk) => {
    const parsed = parse(chunk);
    if (parsed instanceof Error) client._connect();
    return parsed;
  };

  const open = () => {
    isOpen = true;
    isConnected = false;
    isLastReply = false;
    isOpening = true; // autocannon sends as soon as there is a socket
    openSocket();
    isOpening = false;
    client.conn.once('connect', () => {
      isConnected = true;
    });
  };

  const connection: LoadConnection = {
    region: region.index,
    send(intendedUs) {
      if (load.isDraining || client.destroyed) return;
      if (!isOpen) open();
      isBusy = true;
      const user = draw(random, (recorder.nowUs() - load.startedUs) / 1_000).name;
      const cost = costs.length > 1 ? (costs[Math.floor(random() * costs.length)] ?? 1) : (costs[0] ?? 1);
      next.requestBuffer = write(user, cost, random);
      operation = recorder.invoke(
        { bucket: bucketOf(user), user, region: region.name, process, cost },
        intendedUs,
      );
      load.firstUs ??= operation.invokedUs;
      sendNext();
    },
  };

  const free = (why: 'new' | 'answered' | 'ended') => {
    if (!isBusy) return; // its socket ended while it had nothing to do
    isBusy = false;
    pace.free(connection, why);
  };

  client._doRequest = () => {
    if (isOpening) return;
    const hasSurplus = client.parser.offset < client.parser.end; // more than was asked for: it answers no request
    if (load.isDraining) client.destroy();
    else if (isLastReply || hasSurplus) client._connect();
    else free('answered');
  };

  client._connect = () => {
    if (isNew) {
      isNew = false;
      open();
      return free('new');
    }
    isOpen = false;
    client._destroyConnection(); // with its listeners: an error after the end must not connect a second time
    client.parser.initialize('RESPONSE');
    client.parser.offset = client.parser.end;
    if (operation !== undefined) {
      if (isConnected) recorder.lose(operation, 'CONNECTION_LOST');
      else recorder.fail(operation, 'CONNECT_FAILED'); // a socket that never connected has sent nothing
      operation = undefined;
    }
    free('ended');
  };
}
