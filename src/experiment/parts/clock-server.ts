import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monotonicUs } from '../../load/monotonic.ts';
import { machineId } from './machine-id.ts';

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

/** The clock that all parts of a run are placed on: `GET /clock`. */
export function createClockServer(): ClockServer {
  const wall = new WallClock();
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const us = Math.floor(monotonicUs());
    if (request.url === '/clock' && request.method === 'GET')
      return answer(response, 200, { machine: machineId(), us, wallMs: wall.at(us) } satisfies ClockAnswer);
    answer(response, 404, { error: 'there is GET /clock' });
  });
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
    },
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
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
