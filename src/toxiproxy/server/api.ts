import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Address, formatAddress } from './address.ts';
import { ApiError } from './api-error.ts';
import type { Populated, Registry } from './registry.ts';
import type { Reply } from './replies.ts';
import * as replies from './replies.ts';
import { readProxies, readProxy, readProxyChange, readToxic, readToxicChange } from './requests.ts';

export interface Api {
  readonly url: string;
  close(): Promise<void>;
}

const IDLE_MS = 60_000;
/** Parsing more would hold up the proxied data. */
const MAX_BODY_BYTES = 1_000_000;

/** Serves the HTTP API of Toxiproxy for one registry. Throws an ApiError if it cannot listen. */
export async function startApi({
  registry,
  host,
  port,
}: Address & { readonly registry: Registry }): Promise<Api> {
  const server = createServer({ keepAliveTimeout: IDLE_MS }, (request, response) => {
    answer(registry, request).then(
      (reply) => send(response, reply),
      (error) => send(response, replies.errorReply(error)),
    );
  });
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ApiError(500, `cannot listen on ${formatAddress({ host, port })}: ${code}`);
  }
  const { address, port: realPort } = server.address() as AddressInfo;
  return {
    url: `http://${formatAddress({ host: address, port: realPort })}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Creates the proxies of a JSON list; the reply lists those created before an error. */
export async function populate(registry: Registry, list: string): Promise<Populated> {
  try {
    return await registry.populate(readProxies(list));
  } catch (error) {
    return { proxies: [], error };
  }
}

/** The handlers of a path by HTTP method. */
type Methods = Partial<Record<string, () => Reply | Promise<Reply>>>;

async function answer(registry: Registry, request: IncomingMessage): Promise<Reply> {
  const body = await readBody(request);
  const methods = listMethods(registry, body, pathOf(request));
  if (methods === undefined) return replies.notFound;
  const handler = ownValue(methods, request.method ?? '');
  if (handler === undefined) return replies.methodNotAllowed;
  if (request.headers['user-agent']?.startsWith('Mozilla/')) return replies.browserRefused;
  return handler();
}

/** Own members only, not inherited ones like `constructor`: the name comes from the client. */
function ownValue<T>(object: Partial<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function listMethods(registry: Registry, body: string, path: readonly string[]): Methods | undefined {
  const [root, proxy, toxics, toxic, ...more] = path;
  if (more.length > 0 || (path.length > 1 && path.at(-1) === '')) return undefined;
  if (proxy === undefined) return ownValue(rootMethods(registry, body), root ?? '');
  if (root !== 'proxies') return undefined;
  if (toxics === undefined) return proxyMethods(registry, body, proxy);
  if (toxics !== 'toxics') return undefined;
  if (toxic === undefined) return toxicsMethods(registry, body, proxy);
  return toxicMethods(registry, body, { proxy, toxic });
}

function rootMethods(registry: Registry, body: string): Partial<Record<string, Methods>> {
  const { metrics } = registry;
  return {
    ...(metrics && { metrics: { GET: async () => replies.metricsReply(await metrics.text()) } }),
    version: { GET: () => replies.versionReply },
    proxies: {
      GET: () => replies.proxiesReply(registry.all()),
      POST: async () => replies.proxyReply(await registry.add(readProxy(body)), 201),
    },
    populate: { POST: async () => replies.populateReply(await populate(registry, body)) },
    reset: {
      POST: async () => {
        await registry.reset();
        return replies.noContent;
      },
    },
  };
}

function proxyMethods(registry: Registry, body: string, name: string): Methods {
  const update = async () =>
    replies.proxyReply(await registry.update(name, readProxyChange(body, registry.get(name))));
  return {
    GET: () => replies.proxyReply(registry.get(name)),
    POST: update,
    PATCH: update,
    DELETE: async () => {
      await registry.remove(name);
      return replies.noContent;
    },
  };
}

function toxicsMethods(registry: Registry, body: string, proxy: string): Methods {
  return {
    GET: () => replies.toxicsReply(registry.get(proxy).toxics.list()),
    POST: () => {
      const { toxics } = registry.get(proxy);
      return replies.toxicReply(toxics.add(readToxic(body, toxics)));
    },
  };
}

/** No handler waits, so a stalled reader cannot block the removal of a toxic. */
function toxicMethods(registry: Registry, body: string, names: { proxy: string; toxic: string }): Methods {
  const chain = () => registry.get(names.proxy).toxics;
  const update = () => {
    const toxic = chain().get(names.toxic);
    return replies.toxicReply(chain().update(names.toxic, readToxicChange(body, toxic)));
  };
  return {
    GET: () => replies.toxicReply(chain().get(names.toxic)),
    POST: update,
    PATCH: update,
    DELETE: () => {
      chain().remove(names.toxic);
      return replies.noContent;
    },
  };
}

/** The decoded parts of the path. A slash at the end gives an empty last part, so such a path matches no route. */
function pathOf({ url = '/' }: IncomingMessage): string[] {
  const [path = '/'] = url.replace(/^https?:\/\/[^/?]*/i, '').split('?');
  try {
    return path.slice(1).split('/').map(decodeURIComponent);
  } catch {
    return [''];
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk); // the rest is read, and dropped, so that the client sees the reply
  }
  if (bytes > MAX_BODY_BYTES) throw new ApiError(413, `a body may have at most ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, { status, type, body }: Reply): void {
  response.setHeader('X-Toxiproxy-Request-Id', randomBytes(10).toString('hex'));
  if (type !== undefined) response.setHeader('Content-Type', type);
  if (status >= 400 && type?.startsWith('text/plain'))
    response.setHeader('X-Content-Type-Options', 'nosniff');
  response.writeHead(status).end(body);
}
