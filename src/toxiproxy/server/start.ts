import { randomInt } from 'node:crypto';
import { startApi } from './api.ts';
import { type Source, SourceListeners } from './by-source.ts';
import { type Clock, RealClock } from './clock.ts';
import { OwnGate } from './gate.ts';
import type { ProxyRoute } from './proxy.ts';
import { Registry } from './registry.ts';

/** Where an API listens; port 0 takes a free one. */
export interface ApiAddress {
  readonly host: string;
  readonly port: number;
}

export interface ToxiproxyOptions extends Partial<ApiAddress> {
  /** What jitter and toxicity are drawn from, with the names of proxy and toxic and the connection's number. */
  readonly seed?: number | string | undefined;
  readonly clock?: Clock;
}

export interface Toxiproxy {
  /** Of the HTTP API. */
  readonly url: string;
  readonly registry: Registry;
  /** Ends the API and every proxy; connections are closed. */
  close(): Promise<void>;
}

const DEFAULT_API = { host: '127.0.0.1', port: 8474 };

/** Starts an ordinary Toxiproxy in this process. Throws an ApiError when the API cannot listen. */
export async function startToxiproxy(options: ToxiproxyOptions = {}): Promise<Toxiproxy> {
  const {
    host = DEFAULT_API.host,
    port = DEFAULT_API.port,
    seed = randomSeed(),
    clock = new RealClock(),
  } = options;
  const registry = new Registry({
    clock,
    seed,
    name: '',
    makeGate: () => new OwnGate(),
    fromClientAddress: false,
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
  readonly regions: readonly (Source & { readonly api: ApiAddress })[];
  /** The public addresses, which listen from the start, and the real nodes behind them; both `host:port`. */
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
 * Starts one Toxiproxy for each region, all in this process and on shared listeners: a connection is handled
 * by the Toxiproxy of the region its source address belongs to, and goes on from that same address. Where
 * that Toxiproxy has no proxy, and for clients of no region, it passes straight through.
 * Throws an ApiError when an API or a route cannot listen.
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
      const makeGate = () => listeners.gateOf(name);
      const registry = new Registry({ clock, seed, name, makeGate, fromClientAddress: true });
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
