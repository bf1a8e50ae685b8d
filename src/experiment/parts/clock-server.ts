import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { finished } from 'node:stream/promises';
import { monotonicUs } from '../../load/monotonic.ts';
import { machineId } from './machine-id.ts';
import type { PartStore, Receipt } from './part-store.ts';
import { StartedParts } from './started-parts.ts';

/** The answer to `GET /clock`. */
export interface ClockAnswer {
  /** The id of the monotonic clock. */
  readonly machine: string;
  /** Of that clock, rounded down. */
  readonly us: number;
  /** The time of day, in milliseconds since 1970. */
  readonly wallMs: number;
}

export interface ClockServer {
  readonly server: { closeAllConnections(): void };
  /** Gives the URL. */
  listen(where: { readonly host: string; readonly port: number }): Promise<string>;
  close(): Promise<void>;
}

/** Longer than any pause between two pings: a new connection costs a round trip. */
const KEEP_ALIVE_MS = 60_000;

/** A connection on which nothing moves for so long is ended. */
const SILENT_MS = 120_000;

/**
 * The clock that all parts of a run are placed on: `GET /clock`. With a store it takes the files of parts, too:
 * `PUT /parts/<run>/<part>`; `GET /parts/` answers whether it would. `PUT /started/<run>/<part>` is refused to a second sender,
 * and without the token of the store, if it has one.
 */
export function createClockServer(store?: PartStore, { machine = machineId() } = {}): ClockServer {
  const wall = new WallClock();
  const started = new StartedParts();
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const us = Math.floor(monotonicUs());
    if (request.url === '/clock' && request.method === 'GET')
      return answer(response, 200, { machine, us, wallMs: wall.at(us) } satisfies ClockAnswer);
    void answerOther(request, { store, started }).then(async ({ status, ...body }) => {
      if (status !== 413) await drain(request);
      answer(response, status, body);
    });
  });
  server.requestTimeout = 0; // a large file over a slow link takes longer than the default
  server.setTimeout(SILENT_MS);
  return {
    server,
    async listen({ host, port }) {
      server.listen(port, host);
      await once(server, 'listening');
      const { address, family, port: taken } = server.address() as AddressInfo;
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`;
    },
    async close() {
      if (server.listening) await once(server.close(), 'close');
      await store?.idle();
    },
  };
}

async function answerOther(
  request: IncomingMessage,
  { store, started }: { readonly store: PartStore | undefined; readonly started: StartedParts },
): Promise<Receipt> {
  const { url = '', method, headers } = request;
  if (url === '/clock') return { status: 405, error: 'only GET' };
  const [, ofRun, begun] = /^\/started\/([^/?]+)\/([^/?]+)$/.exec(url) ?? [];
  if (ofRun !== undefined && begun !== undefined && method === 'PUT') {
    const admitted = store?.admit(request);
    if (admitted !== undefined && admitted.status !== 200) return admitted;
    return started.start({ run: ofRun, part: begun, sender: headers.from ?? '' });
  }
  const isAsked = url === '/parts/';
  const [, run, part] = /^\/parts\/([^/?]+)\/([^/?]+)$/.exec(url) ?? [];
  if (!isAsked && (run === undefined || part === undefined))
    return { status: 404, error: 'there is GET /clock, and PUT /parts/<run>/<part>' };
  if (store === undefined)
    return { status: 403, error: 'this server takes no files: it was started without --parts' };
  if (isAsked) return method === 'GET' ? store.admit(request) : { status: 405, error: 'only GET' };
  if (method !== 'PUT') return { status: 405, error: 'only PUT' };
  return store.receive(request, { run: decoded(run ?? ''), part: decoded(part ?? '') });
}

/** Reads the rest of a refused file: its sender reads no answer while it writes. */
async function drain(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  request.resume();
  await finished(request).catch(() => {}); // its sender is gone
}

/** Text that is not encoded properly names nothing that there is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(status === 413 && { connection: 'close' }), // the rest of the file is not read
  });
  response.end(text);
}

/** After so long without a request, the next one reads the time of day again. */
const IDLE_US = 60_000_000;

/**
 * The time of day, which goes on with the monotonic clock while parts ask: the clock of the system may step between the
 * requests of two parts, and they would not start together.
 */
class WallClock {
  #readUs = Number.NEGATIVE_INFINITY;
  #read = { us: 0, wallMs: 0 };

  at(us: number): number {
    if (us - this.#readUs > IDLE_US) this.#read = { us, wallMs: Date.now() };
    this.#readUs = us;
    return Math.round(this.#read.wallMs + (us - this.#read.us) / 1_000);
  }
}
