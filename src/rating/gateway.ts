import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Dispatcher } from 'undici';
import { HEADERS } from '../core/header-names.ts';
import { quoted } from '../core/printable.ts';
import { badRequest, PROBLEM_TYPE, type Problem } from '../http/problem.ts';
import { Upstream } from './forward.ts';
import { requestLimits } from './request-limits.ts';
import { ServicesInTurn } from './services-in-turn.ts';

export interface GatewayOptions {
  readonly region: string;
  /** The region's Rating services, each `http://host:port`; requests go to them in turn. */
  readonly upstream: string | readonly string[];
  /** Services of other regions, tried in this order if the region's own cannot decide. Default none; only with one of its own. */
  readonly failOver?: readonly string[];
  /** The local address to connect from, which places the gateway in a region. */
  readonly localAddress?: string;
  /**
   * Opens `/instances/<number>/clock`, which leads to `/clock` of that service. For tests only. `/instances/<number>/healthz`
   * leads to its `/healthz` always.
   */
  readonly allowClockChange?: boolean;
  /** Milliseconds in which a client must send a request; default 30000. */
  readonly requestMs?: number;
}

/** Requests in flight to the service; with too few, a load test would measure the gateway. */
const UPSTREAM_CONNECTIONS = 512;
const CONNECT_TIMEOUT_MS = 2_000;
const REPLY_TIMEOUT_MS = 5_000;
const MAX_BODY_BYTES = 16_384;
/** Fastify's value, and longer than the pauses of any load. */
const KEEP_ALIVE_MS = 72_000;

const REQUEST_HEADERS = ['content-type', HEADERS.user, HEADERS.cost, HEADERS.actual] as const;
const REPLY_HEADERS = new Set(
  [
    'content-type',
    HEADERS.policies,
    HEADERS.levels,
    HEADERS.retryAfter,
    HEADERS.decision,
    HEADERS.stated,
    HEADERS.settled,
  ].map((name) => name.toLowerCase()),
);

export interface Gateway {
  readonly server: Server;
  /** Resolves with its address, `http://host:port`. */
  listen(where: { readonly host: string; readonly port: number }): Promise<string>;
  close(): Promise<void>;
}

/**
 * The gateway of one region: sends each request to its Rating service exactly once; with several services to the next
 * one in turn, whose place it adds to the reply; with fail-over, to each service at most once and with one decision id.
 * It uses Node's own server, since a framework took a fifth of its time.
 */
export function createGateway({
  region,
  upstream,
  failOver = [],
  localAddress,
  allowClockChange = false,
  requestMs,
}: GatewayOptions): Gateway {
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
  const upstreams = [upstream].flat();
  const others = failOver.map((origin) => new Upstream(origin, options));
  const instances = upstreams.map((origin) => new ServicesInTurn(new Upstream(origin, options), others));
  const named = upstreams.map(
    (origin) => new ServicesInTurn(new Upstream(origin, { ...options, connections: 4 }), []),
  );
  let turn = 0;
  const health = JSON.stringify({ status: 'ok', region, upstream });

  const limits = { keepAliveTimeout: KEEP_ALIVE_MS, ...requestLimits(requestMs) };
  const server = createServer(limits, (request, response) => {
    const { url = '' } = request;
    if (!isDecodable(url)) return sendProblem(response, badRequest(400, `${quoted(url)} is not a valid url`));
    if (url.startsWith('/v1/')) return passOn({ request, response, path: url, ...nextInstance() });
    const [, number, path = ''] = /^\/instances\/(\d+)(\/clock|\/healthz)$/.exec(url) ?? [];
    const services = named[Number(number) - 1];
    const isOpen = path === '/clock' ? allowClockChange : request.method === 'GET';
    if (services !== undefined && isOpen) return passOn({ request, response, path, services });
    if (request.method === 'GET' && /^\/healthz(\?|$)/.test(url))
      return send(response, 200, ['content-type', 'application/json; charset=utf-8'], health);
    const detail = `no such resource: ${request.method} ${quoted(url)}`;
    sendProblem(response, badRequest(404, detail));
  });

  function nextInstance(): Pick<PassedOn, 'services' | 'named'> {
    const at = turn;
    turn = (turn + 1) % instances.length;
    const services = instances[at] as ServicesInTurn;
    return instances.length === 1 ? { services } : { services, named: [HEADERS.instance, String(at + 1)] };
  }

  return {
    server,
    async listen({ host, port }) {
      server.listen(port, host);
      await once(server, 'listening'); // rejects if it emits an error
      return `http://${host}:${(server.address() as AddressInfo).port}`;
    },
    async close() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      await Promise.all([...instances, ...named].map((services) => services.destroy()));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface PassedOn {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly services: ServicesInTurn;
  /** A header that names the service. */
  readonly named?: readonly string[];
}

/** Sends a request to its services, and their reply back. */
function passOn({ request, response, path, services, named = [] }: PassedOn): void {
  readBody(request, response, (body) => {
    const method = request.method as Dispatcher.HttpMethod;
    const headers = pick(request.headers, REQUEST_HEADERS);
    services.forward({ path, method, headers, body }).then((reply) => {
      if ('headers' in reply) send(response, reply.status, [...reply.headers, ...named], reply.body);
      else sendProblem(response, reply, named);
    });
  });
}

/** Passes the whole body to `onBody`, null without a body; replies 413 itself if it is too large. */
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
      response.shouldKeepAlive = false; // does not wait for the rest of the body
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

function sendProblem(response: ServerResponse, problem: Problem, headers: readonly string[] = []): void {
  const body = Buffer.from(JSON.stringify(problem)).toString('latin1');
  send(response, problem.status, ['content-type', PROBLEM_TYPE, ...headers], body);
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
