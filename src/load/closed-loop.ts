import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { makeRandom, type Random } from '../core/prng.ts';
import { readReply } from './outcome.ts';
import type { OpenOperation, Recorder } from './recorder.ts';
import { type LoadShape, makeUserDraw, type PlannedUser, type UserDraw } from './users.ts';

/** Where a region's users send their requests. */
export interface Target {
  readonly region: string;
  readonly url: string;
}

export interface ClosedLoopOptions {
  readonly shape: LoadShape;
  readonly users: readonly PlannedUser[];
  readonly targets: readonly Target[];
  readonly recorder: Recorder;
  readonly durationMs: number;
  /** How long replies may still come once no more requests are sent. */
  readonly drainMs: number;
  readonly signal: AbortSignal;
}

/** The name of a user's bucket in the history. */
export function bucketOf(user: string): string {
  return `ratings:${user}`;
}

const RECONNECT_DELAY_MS = 100;
const ITEMS = 50;

/**
 * Closed-loop load by autocannon: every connection sends its next request when the last was answered. When
 * the time is up no more are sent, replies are waited for, and what stays open is recorded as `info`.
 */
export async function runClosedLoop(options: ClosedLoopOptions): Promise<void> {
  const { shape, targets, recorder, signal } = options;
  const draws = targets.map(({ region }) => makeUserDraw(options.users, region));
  const state = { draining: false, startedUs: recorder.nowUs() };
  let connections = 0;

  const finished = new Promise<void>((resolve, reject) => {
    const instance = autocannon(
      {
        url: targets.map(({ url }) => `${url}/v1/ratings`) as unknown as string, // a list is allowed; its typings lag
        connections: shape.connections,
        duration: 1_000_000, // the end is ours to say: see below
        sampleInt: 100,
        timeout: Math.ceil((options.durationMs + options.drainMs) / 1_000) + 60,
        setupClient: (client) => {
          const process = connections++;
          const region = process % targets.length; // autocannon deals its addresses out in turn
          const [target, draw] = [targets[region], draws[region]];
          if (target === undefined || draw === undefined) return;
          const random = makeRandom(shape.seed, `connection ${process}`);
          driveConnection(client as unknown as Connection, {
            state,
            recorder,
            random,
            draw,
            process,
            region: target.region,
          });
        },
      },
      (error) => (error ? reject(error) : resolve()),
    );
    void stopInTime(options, state).then(() => instance.stop());
  });
  await finished;
  recorder.loseAll(signal.aborted ? 'INTERRUPTED' : 'LOAD_ENDED');
}

async function stopInTime(
  { durationMs, drainMs, recorder, signal }: ClosedLoopOptions,
  state: { draining: boolean },
): Promise<void> {
  await sleep(durationMs, undefined, { signal }).catch(() => {}); // an interrupt ends the load early
  state.draining = true;
  const deadline = recorder.nowUs() + drainMs * 1_000;
  while (recorder.inFlight > 0 && recorder.nowUs() < deadline) await sleep(10);
}

/** What this file uses of autocannon's client (9.0.0, pinned), most of it missing in its typings. */
interface Connection {
  setRequests(requests: object[]): void;
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
  _connect(): void;
  _destroyConnection(): void;
  _doRequest(): void;
}

interface ReplyHead {
  readonly statusCode: number;
  readonly shouldKeepAlive: boolean;
}

interface Driver {
  readonly state: { readonly draining: boolean; readonly startedUs: number };
  readonly recorder: Recorder;
  readonly random: Random;
  readonly draw: UserDraw;
  readonly process: number;
  readonly region: string;
}

/**
 * Takes over the two places where autocannon acts on its own: it reconnects at once when a connection ends
 * (67,000 refused connections in 3 s were seen) and reads on where the last reply broke off, so the next one
 * would be taken for its rest; and it sends the next request whatever the hour and the server said.
 */
function driveConnection(
  client: Connection,
  { state, recorder, random, draw, process, region }: Driver,
): void {
  let open: OpenOperation | undefined;
  let attempts = 0;
  let connected = false;
  let lastReply = false;
  const sendNext = client._doRequest.bind(client);
  const openSocket = client._connect.bind(client);

  // A server that says it closes reads no more; an interim reply (1xx) leaves the answer still to come.
  client.on('headers', ({ statusCode, shouldKeepAlive }) => {
    lastReply = !shouldKeepAlive || statusCode < 200;
  });

  // What is no HTTP is given back as an error, which autocannon does not look at.
  const parse = client.parser.execute.bind(client.parser);
  client.parser.execute = (chunk) => {
    const read = parse(chunk);
    if (read instanceof Error) client._connect();
    return read;
  };

  client._doRequest = () => {
    const surplus = client.parser.offset < client.parser.end; // more than was asked for: it answers no request
    if (state.draining) client.destroy();
    else if (lastReply || surplus) client._connect();
    else sendNext();
  };

  const connect = () => {
    connected = false;
    lastReply = false;
    openSocket();
    client.conn.once('connect', () => {
      connected = true;
    });
  };

  client._connect = () => {
    if (attempts++ === 0) return connect();
    client._destroyConnection(); // with its listeners: an error after the end must not connect a second time
    client.parser.initialize('RESPONSE');
    client.parser.offset = client.parser.end;
    if (open !== undefined) {
      if (connected) recorder.lose(open, 'CONNECTION_LOST');
      else recorder.fail(open, 'CONNECT_FAILED'); // a socket that never connected has sent nothing
      open = undefined;
    }
    setTimeout(() => {
      if (!client.destroyed && !state.draining) connect();
    }, RECONNECT_DELAY_MS);
  };

  client.setRequests([
    {
      method: 'POST',
      setupRequest: (request: object) => {
        const user = draw(random, (recorder.nowUs() - state.startedUs) / 1_000).name;
        open = recorder.invoke({ bucket: bucketOf(user), user, region, process, cost: 1 });
        const item = `item-${Math.floor(random() * ITEMS)}`;
        const score = 1 + Math.floor(random() * 5);
        return {
          ...request,
          headers: { 'content-type': 'application/json', 'x-openclaw-user': user },
          body: JSON.stringify({ item, score }),
        };
      },
      onResponse: (status: number, body: string, _context: object, headers: Record<string, unknown>) => {
        if (open === undefined) return;
        recorder.complete(open, readReply(status, headers, body));
        open = undefined;
      },
    },
  ]);
}
