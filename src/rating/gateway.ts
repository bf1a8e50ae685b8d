import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Dispatcher } from 'undici';
import { quoted } from '../core/errors.ts';
import { badRequest, PROBLEM_TYPE, type Problem } from '../http/problem.ts';
import { Upstream } from './forward.ts';
import { ServicesInTurn } from './services-in-turn.ts';

export interface GatewayOptions {
  readonly region: string;
  /** The region's Rating service, `http://host:port`. */
  readonly upstream: string;
  /** Services of other regions, asked in this order when the region's own cannot decide. Default none. */
  readonly failOver?: readonly string[];
  /** Connect from this address: it is what places it in a region. */
  readonly localAddress?: string;
}

/** Requests in flight to the service; with too few the gateway is what gets measured. */
const UPSTREAM_CONNECTIONS = 512;
const CONNECT_TIMEOUT_MS = 2_000;
const REPLY_TIMEOUT_MS = 5_000;
const MAX_BODY_BYTES = 16_384;
/** As Fastify has it, and longer than the pauses of any load. */
const KEEP_ALIVE_MS = 72_000;

const REQUEST_HEADERS = ['content-type', 'x-openclaw-user', 'x-openclaw-cost'] as const;
const REPLY_HEADERS = new Set([
  'content-type',
  'ratelimit-policy',
  'ratelimit',
  'retry-after',
  'openclaw-decision',
]);

export interface Gateway {
  readonly server: Server;
  /** Gives its address, `http://host:port`. */
  listen(where: { readonly host: string; readonly port: number }): Promise<string>;
  close(): Promise<void>;
}

/**
 * The gateway of one region: passes requests on to its Rating service, each exactly once, or where it fails over, to
 * each service at most once and under one decision id. On Node's own server: with two routes and bodies that nobody
 * reads, a framework took a fifth of its time.
 */
export function createGateway({ region, upstream, failOver = [], localAddress }: GatewayOptions): Gateway {
  const options = {
    connections: UPSTREAM_CONNECTIONS,
    wantedHeaders: REPLY_HEADERS,
    client: {
      pipelining: 1,
      ...(localAddress && { localAddress }),
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: REPLY_TIMEOUT_MS,
      bodyTimeout: REPLY_TIMEOUT_MS,
    },
  };
  const services = new ServicesInTurn(
    new Upstream(upstream, options),
    failOver.map((origin) => new Upstream(origin, options)),
  );
  const health = JSON.stringify({ status: 'ok', region, upstream });

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const { url = '' } = request;
    if (!isDecodable(url)) return sendProblem(response, badRequest(400, `${quoted(url)} is not a valid url`));
    if (url.startsWith('/v1/')) return readBody(request, response, (body) => passOn(request, response, body));
    if (request.method === 'GET' && /^\/healthz(\?|$)/.test(url))
      return send(response, 200, ['content-type', 'application/json; charset=utf-8'], health);
    const detail = `no such resource: ${request.method} ${quoted(url)}`;
    sendProblem(response, badRequest(404, detail));
  });

  function passOn(request: IncomingMessage, response: ServerResponse, body: Buffer | null): void {
    services
      .forward({
        path: request.url ?? '',
        method: request.method as Dispatcher.HttpMethod,
        headers: pick(request.headers, REQUEST_HEADERS),
        body,
      })
      .then((reply) => {
        if ('headers' in reply) send(response, reply.status, reply.headers, reply.body);
        else sendProblem(response, reply);
      });
  }

  return {
    server,
    async listen({ host, port }) {
      server.listen(port, host);
      await once(server, 'listening'); // rejects when it emits an error instead
      return `http://${host}:${(server.address() as AddressInfo).port}`;
    },
    async close() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      await services.destroy();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Gives the whole body, null where there is none; answers 413 itself when it is too large. */
function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  onBody: (body: Buffer | null) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
    else if (!response.headersSent) {
      response.shouldKeepAlive = false; // the rest of it is not waited for
      sendProblem(response, badRequest(413, `the body is too large: at most ${MAX_BODY_BYTES} bytes`));
    }
  });
  request.on('end', () => {
    if (length <= MAX_BODY_BYTES) onBody(length === 0 ? null : joined(chunks));
  });
}

function joined(chunks: readonly Buffer[]): Buffer {
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

/** `headers` are name, value, name, value; `body` is latin1. */
function send(response: ServerResponse, status: number, headers: readonly string[], body: string): void {
  response.writeHead(status, [...headers, 'content-length', String(body.length)]);
  response.end(body, 'latin1');
}

function sendProblem(response: ServerResponse, problem: Problem): void {
  const body = Buffer.from(JSON.stringify(problem)).toString('latin1');
  send(response, problem.status, ['content-type', PROBLEM_TYPE], body);
}

function isDecodable(url: string): boolean {
  if (!url.includes('%')) return true;
  try {
    decodeURI(url);
    return true;
  } catch {
    return false;
  }
}

function pick(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string') picked[name] = value;
  }
  return picked;
}
