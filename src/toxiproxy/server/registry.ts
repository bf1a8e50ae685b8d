import { missingField, proxyExists, proxyNotFound } from './api-error.ts';
import type { Clock } from './clock.ts';
import type { Listener } from './listener.ts';
import { type ProxyRoute, TcpProxy } from './proxy.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';

export interface RegistryOptions {
  readonly clock: Clock;
  readonly seed: number | string;
  /** Part of the seed of its proxies' random numbers. */
  readonly name: string;
  readonly makeListener: () => Listener;
  readonly fromClientAddress: boolean;
  /** Counts the bytes of its proxies, if given. */
  readonly metrics?: ProxyMetrics | undefined;
}

/** A proxy to create. */
export interface ProxySpec extends ProxyRoute {
  readonly name: string;
  readonly enabled: boolean;
}

/** The proxies that a populate created, and the error that stopped it. */
export interface Populated {
  readonly proxies: readonly TcpProxy[];
  readonly error?: unknown;
}

/** The proxies of one Toxiproxy. Creations, changes and removals of proxies run one at a time. */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #proxies = new Map<string, TcpProxy>();
  #busy: Promise<unknown> = Promise.resolve();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  get metrics(): ProxyMetrics | undefined {
    return this.#options.metrics;
  }

  /** The proxies, ordered by the bytes of their names. */
  all(): TcpProxy[] {
    return [...this.#proxies.values()].sort((a, b) =>
      Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
    );
  }

  get(name: string): TcpProxy {
    const proxy = this.#proxies.get(name);
    if (proxy === undefined) throw proxyNotFound();
    return proxy;
  }

  add(spec: ProxySpec): Promise<TcpProxy> {
    return this.#alone(async () => {
      checkSpec(spec);
      if (this.#proxies.has(spec.name)) throw proxyExists();
      return this.#make(spec);
    });
  }

  update(name: string, change: Parameters<TcpProxy['update']>[0]): Promise<TcpProxy> {
    return this.#alone(async () => {
      const proxy = this.get(name);
      await proxy.update(change);
      return proxy;
    });
  }

  remove(name: string): Promise<void> {
    return this.#alone(async () => {
      this.get(name).remove();
      this.#proxies.delete(name);
    });
  }

  /** Checks all before it creates any. An existing proxy with the same route keeps its state and toxics. */
  populate(specs: readonly ProxySpec[]): Promise<Populated> {
    return this.#alone(async () => {
      const proxies: TcpProxy[] = [];
      try {
        for (const [index, spec] of specs.entries()) checkSpec(spec, ` at proxy ${index + 1}`);
        for (const spec of specs) proxies.push(await this.#addOrReplace(spec));
        return { proxies };
      } catch (error) {
        return { proxies, error };
      }
    });
  }

  /** Enables every proxy and removes all toxics. */
  reset(): Promise<void> {
    return this.#alone(async () => {
      for (const proxy of this.#proxies.values()) {
        await proxy.start();
        proxy.toxics.clear();
      }
    });
  }

  close(): void {
    for (const proxy of this.#proxies.values()) proxy.remove();
    this.#proxies.clear();
  }

  async #addOrReplace(spec: ProxySpec): Promise<TcpProxy> {
    const existing = this.#proxies.get(spec.name);
    if (existing !== undefined) {
      if (!(await existing.differsFrom(spec))) return existing;
      existing.remove();
    }
    return this.#make(spec);
  }

  async #make({ enabled, ...spec }: ProxySpec): Promise<TcpProxy> {
    const { clock, seed, name, makeListener, fromClientAddress, metrics } = this.#options;
    const owner = `${name}/${spec.name}`;
    const proxy = new TcpProxy({
      ...spec,
      listener: makeListener(),
      connections: { clock, seed, owner, fromClientAddress },
      metrics,
    });
    if (enabled) {
      await proxy.start().catch((error) => {
        proxy.remove();
        throw error;
      });
    }
    this.#proxies.set(spec.name, proxy);
    return proxy;
  }

  #alone<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(task);
    this.#busy = done.catch(() => {});
    return done;
  }
}

function checkSpec({ name, upstream }: ProxySpec, where = ''): void {
  if (name === '') throw missingField(`name${where}`);
  if (upstream === '') throw missingField(`upstream${where}`);
}
