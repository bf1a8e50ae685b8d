import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ApiError } from './api-error.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`, `:port` or `[host]:port`. Throws an ApiError in Go's words. */
export function parseAddress(text: string): Address {
  const [, bracketed, plain = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(text) ?? [];
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    const reason = text.includes(':') ? 'invalid port' : 'missing port in address';
    throw new ApiError(500, `listen tcp: address ${text}: ${reason}`);
  }
  return { host: bracketed ?? plain, port: Number(port) };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The same with the host as an IP address; an empty host is every address of the machine, `::`. */
export async function resolveAddress(text: string): Promise<Address> {
  const { host, port } = parseAddress(text);
  if (host === '') return { host: '::', port };
  if (isIP(host) !== 0) return { host, port };
  try {
    const { address } = await lookup(host, { order: 'ipv4first' });
    return { host: address, port };
  } catch {
    throw new ApiError(500, `listen tcp: lookup ${host}: no such host`);
  }
}

/** An IPv4 address that came in over an IPv6 socket, as IPv4 again. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}
