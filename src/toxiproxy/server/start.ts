import { randomInt } from 'node:crypto';
import type { Address } from './address.ts';
import { startApi } from './api.ts';
import { type Source, SourceListeners } from './by-source.ts';
import { type Clock, RealClock } from './clock.ts';
import { OwnListener } from './listener.ts';
import type { ProxyRoute } from './proxy.ts';
import { ProxyMetrics } from './proxy-metrics.ts';
import { Registry } from './registry.ts';

/** The listen address of its API; port 0 takes a free port. */
export interface ToxiproxyOptions extends Partial<Address> {
  /** The seed of jitter and toxicity, together with the names of proxy and toxic and the number of the connection. */
  readonly seed?: number | string | undefined;
  readonly clock?: Clock;
  /** Counts bytes by proxy, and serves them at `/metrics`. */
  readonly proxyMetrics?: boolean;
}

export interface Toxiproxy {
  /** The URL of the HTTP API. */
  readonly url: string;
  readonly registry: Registry;
  /** Closes the API, every proxy and all connections. */
  close(): Promise<void>;
}

const DEFAULT_API = { host: '127.0.0.1', port: 8474 };

/** Starts a single Toxiproxy in this process. Throws an ApiError if the API cannot listen. */
export async function startToxiproxy(options: ToxiproxyOptions = {}): Promise<Toxiproxy> {
  const {
    host = DEFAULT_API.host,
    port = DEFAULT_API.port,
    seed = randomSeed(),
    clock = new RealClock(),
    proxyMetrics = false,
  } = options;
  const registry = new Registry({
    clock,
    seed,
    name: '',
    makeListener: () => new OwnListener(),
    fromClientAddress: false,
    metrics: proxyMetrics ? new ProxyMetrics() : undefined,
  });
  const api = await startApi({ registry, host, port });
  return {
    url: api.url,
    registry,
    async close() {
      await api.close();
      registry.close();
    },
  };
}

export interface RegionalToxiproxyOptions {
  readonly regions: readonly (Source & { readonly api: Address })[];
  /** The public addresses, which listen from the start, and the nodes behind them; both `host:port`. */
  readonly routes: readonly ProxyRoute[];
  readonly seed?: number | string | undefined;
  readonly clock?: Clock;
}

export interface RegionalToxiproxy {
  /** The URL of each region's API. */
  readonly apis: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Starts one Toxiproxy per region, all in this process and on shared listeners. The source address of a connection
 * selects the region whose Toxiproxy handles it, and the connection is forwarded from the same address. A connection
 * passes through unchanged if that Toxiproxy has no proxy for it, or if its source is in no region.
 * Throws an ApiError if an API or a route cannot listen.
 */
export async function startRegionalToxiproxy(options: RegionalToxiproxyOptions): Promise<RegionalToxiproxy> {
  const { regions, routes, seed = randomSeed(), clock = new RealClock() } = options;
  const listeners = new SourceListeners({ sources: regions, clock });
  const closing: (() => void | Promise<void>)[] = [() => listeners.close()];
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    for (const route of routes) await listeners.addRoute(route);
    const apis: Record<string, string> = {};
    for (const { name, api: address } of regions) {
      const makeListener = () => listeners.regionListener(name);
      const registry = new Registry({ clock, seed, name, makeListener, fromClientAddress: true });
      closing.push(() => registry.close());
      const api = await startApi({ registry, ...address });
      closing.push(() => api.close());
      apis[name] = api.url;
    }
    return { apis, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function randomSeed(): number {
  return randomInt(2 ** 32);
}
