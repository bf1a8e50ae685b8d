import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** One request as it came off the socket. */
export interface SeenRequest {
  /** Requests are numbered from 0 in the order they arrived. */
  readonly serial: number;
  /** The connection that carried it, and its place on that connection, both from 0. */
  readonly connection: number;
  readonly nth: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A server that does to each request, byte by byte, what the test says; it keeps what it saw. */
export interface HttpServer {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly SeenRequest[];
  /** Connections so far. */
  readonly accepted: number;
  stop(): Promise<void>;
}

export type Answer = (request: SeenRequest, socket: Socket) => void;

export async function startHttpServer(answer: Answer): Promise<HttpServer> {
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection = accepted++;
    sockets.add(socket);
    let nth = 0;
    let pending = '';
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      for (let next = splitRequest(pending); next !== undefined; next = splitRequest(pending)) {
        pending = next.rest;
        const request = { serial: requests.length, connection, nth: nth++, ...next.request };
        requests.push(request);
        answer(request, socket);
      }
    });
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    get accepted() {
      return accepted;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The bytes of one reply; its length is the body's unless `headers` say otherwise. */
export function httpReply(
  status: number,
  body = '{}',
  headers: Readonly<Record<string, string>> = {},
): string {
  const all = { 'content-type': 'application/json', 'content-length': String(body.length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Test\r\n${lines.join('')}\r\n${body}`;
}

function splitRequest(
  text: string,
): { request: Pick<SeenRequest, 'method' | 'path' | 'headers' | 'body'>; rest: string } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [requestLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const [method = '', path = ''] = requestLine.split(' ');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const bodyEnd = headEnd + 4 + Number(headers['content-length'] ?? 0);
  if (text.length < bodyEnd) return undefined;
  return {
    request: { method, path, headers, body: text.slice(headEnd + 4, bodyEnd) },
    rest: text.slice(bodyEnd),
  };
}
