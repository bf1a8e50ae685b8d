import type { Toxic } from '../toxic.ts';
import { ApiError } from './api-error.ts';
import { goStringify } from './go-json.ts';
import type { TcpProxy } from './proxy.ts';
import type { Populated } from './registry.ts';

export interface Reply {
  readonly status: number;
  readonly type?: string;
  readonly body?: string;
}

/** The version of Shopify's Toxiproxy whose API this server implements. */
const VERSION = '2.12.0';

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';

export const versionReply: Reply = {
  status: 200,
  type: 'application/json;charset=utf-8',
  body: `{"version": "${VERSION}"}\n`,
};
export const noContent: Reply = { status: 204 };
export const notFound: Reply = { status: 404, type: TEXT_TYPE, body: '404 page not found\n' };
export const methodNotAllowed: Reply = { status: 405 };
export const browserRefused: Reply = { status: 403, type: TEXT_TYPE, body: 'User agent not allowed\n' };

export function metricsReply(body: string): Reply {
  return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body };
}

export function proxyReply(proxy: TcpProxy, status = 200): Reply {
  return { status, type: JSON_TYPE, body: goStringify(proxyJson(proxy)) };
}

export function proxiesReply(proxies: readonly TcpProxy[]): Reply {
  const byName = proxies.map((proxy) => `${goStringify(proxy.name)}:${goStringify(proxyJson(proxy))}`);
  return { status: 200, type: JSON_TYPE, body: `{${byName.join(',')}}` };
}

export function toxicReply(toxic: Toxic): Reply {
  return { status: 200, type: JSON_TYPE, body: goStringify(toxicJson(toxic)) };
}

export function toxicsReply(toxics: readonly Toxic[]): Reply {
  return { status: 200, type: JSON_TYPE, body: goStringify(toxics.map(toxicJson)) };
}

/** Unlike other errors, a populate error is sent as JSON, with the proxies created before it. */
export function populateReply({ proxies, error }: Populated): Reply {
  const made = proxies.length === 0 ? null : proxies.map(proxyJson);
  if (error === undefined) return { status: 201, type: JSON_TYPE, body: goStringify({ proxies: made }) };
  const known = asApiError(error);
  return {
    status: known.status,
    type: JSON_TYPE,
    body: goStringify({ error: known.message, status: known.status, proxies: made }),
  };
}

export function errorReply(error: unknown): Reply {
  const { message, status } = asApiError(error);
  return { status, type: TEXT_TYPE, body: `${goStringify({ error: message, status })}\n` };
}

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError(500, error instanceof Error ? error.message : String(error));
}

/** The real server shows the field `Logger` by mistake; this server matches it. */
function proxyJson({ name, listen, upstream, enabled, toxics }: TcpProxy) {
  return { name, listen, upstream, enabled, Logger: {}, toxics: toxics.list().map(toxicJson) };
}

function toxicJson({ attributes, name, type, stream, toxicity }: Toxic) {
  return { attributes, name, type: type.name, stream, toxicity };
}
