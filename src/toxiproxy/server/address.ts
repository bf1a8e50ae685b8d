import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ApiError } from './api-error.ts';
import { servicePort } from './service-ports.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `host:port`, `:port` or `[host]:port`; the port can be a number, the name of a service, or empty for 0. Throws
 * an ApiError in Go's words.
 */
export function parseAddress(text: string): Address {
  const { host, service } = splitHostPort(text);
  const address = { host, port: readPort(service) };
  // The resolver of libc takes `127.1` and `0x7f.1` for IPv4 addresses, that of Go does not.
  if (isIP(host) === 0 && LEGACY_IPV4.test(host)) throw noSuchHost(host);
  return address;
}

const LEGACY_IPV4 = /^(0x[\da-f]+|\d+)(\.(0x[\da-f]+|\d+)){0,3}$/i;

function splitHostPort(text: string): { readonly host: string; readonly service: string } {
  const invalid = (reason: string) => new ApiError(500, `address ${text}: ${reason}`);
  const colon = text.lastIndexOf(':');
  if (colon < 0) throw invalid('missing port in address');
  const bracketed = text.startsWith('[');
  const end = bracketed ? text.indexOf(']') : colon;
  if (end < 0) throw invalid("missing ']' in address");
  if (bracketed && end + 1 !== colon) {
    throw invalid(text[end + 1] === ':' ? 'too many colons in address' : 'missing port in address');
  }
  const host = text.slice(bracketed ? 1 : 0, end);
  if (!bracketed && host.includes(':')) throw invalid('too many colons in address');
  const service = text.slice(colon + 1);
  if (`${host}${service}`.includes('[')) throw invalid("unexpected '[' in address");
  if (`${host}${service}`.includes(']')) throw invalid("unexpected ']' in address");
  return { host, service };
}

function readPort(service: string): number {
  const port = /^[+-]?\d*$/.test(service) ? Number(service) : servicePort(service);
  if (port === undefined || Number.isNaN(port))
    throw new ApiError(500, `lookup tcp/${service}: unknown port`);
  if (port < 0 || port > 65_535) throw new ApiError(500, `address ${service}: invalid port`);
  return port;
}

const noSuchHost = (host: string) => new ApiError(500, `lookup ${host}: no such host`);

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address with its host resolved to an IP address. An empty text is port 0; an empty host stays empty. */
export async function resolveAddress(text: string): Promise<Address> {
  if (text === '') return { host: '', port: 0 };
  const { host, port } = parseAddress(text);
  if (host === '' || isIP(host) !== 0) return { host, port };
  try {
    const { address } = await lookup(host, { order: 'ipv4first' });
    return { host: address, port };
  } catch {
    throw noSuchHost(host);
  }
}

/** Whether a host is every address of the machine. */
export function isEveryAddress(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}

/** The address as a listener on it shows it: `[::]` is every address, IPv4 included. */
export function boundForm({ host, port }: Address): string {
  return formatAddress({ host: isEveryAddress(host) ? '::' : host, port });
}
