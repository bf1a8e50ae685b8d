import { boundForm, resolveAddress } from './address.ts';
import { Connections, type ConnectionsOptions } from './connections.ts';
import type { Listener } from './listener.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';
import { ToxicChain } from './toxic-chain.ts';

/** The listen address and the upstream of a proxy; both `host:port`. */
export interface ProxyRoute {
  readonly listen: string;
  readonly upstream: string;
}

export interface ProxyOptions extends ProxyRoute {
  readonly name: string;
  readonly listener: Listener;
  readonly connections: Pick<ConnectionsOptions, 'clock' | 'seed' | 'owner' | 'fromClientAddress'>;
  readonly metrics?: ProxyMetrics | undefined;
}

/** One proxy: listens and connects each client to the upstream through its toxics. Initially disabled. */
export class TcpProxy {
  readonly name: string;
  readonly toxics: ToxicChain;
  readonly #listener: Listener;
  readonly #connections: Connections;
  #listen: string;
  #upstream: string;
  #enabled = false;

  constructor({ name, listen, upstream, listener, connections, metrics }: ProxyOptions) {
    this.name = name;
    this.#listen = listen;
    this.#upstream = upstream;
    this.#listener = listener;
    this.toxics = new ToxicChain(() => this.#connections.pipes);
    this.#connections = new Connections({
      ...connections,
      upstream: () => this.#upstream,
      toxics: this.toxics,
      counterOf:
        metrics &&
        ((direction) =>
          metrics.counterOf({ direction, listener: this.#listen, proxy: name, upstream: this.#upstream })),
    });
    listener.shut(listen);
  }

  get listen(): string {
    return this.#listen;
  }

  get upstream(): string {
    return this.#upstream;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** Listens, if it does not already. Port 0 is replaced by the chosen port for good. Throws an ApiError. */
  async start(): Promise<void> {
    if (this.#enabled) return;
    this.#listen = await this.#listener.open(this.#listen, (client) => this.#connections.accept(client));
    this.#enabled = true;
  }

  /** Refuses new connections and closes existing ones; toxics are kept. */
  stop(): void {
    this.#enabled = false;
    this.#listener.shut(this.#listen);
    this.#connections.destroy();
  }

  remove(): void {
    this.stop();
    this.#listener.leave();
  }

  /**
   * A new route drops all connections. If it cannot be listened on, the proxy keeps the route and is disabled; if its
   * listen address cannot be resolved, nothing changes. Throws an ApiError for either.
   */
  async update({ enabled, ...route }: ProxyRoute & { readonly enabled: boolean }): Promise<void> {
    if (await this.differsFrom(route)) {
      this.stop();
      this.#listener.leave();
      this.#listen = route.listen;
      this.#upstream = route.upstream;
      this.#listener.shut(route.listen);
    }
    if (enabled) await this.start();
    else if (this.#enabled) this.stop();
  }

  /** Whether a route leads elsewhere. Throws an ApiError if its listen address cannot be resolved. */
  async differsFrom({ listen, upstream }: ProxyRoute): Promise<boolean> {
    const bound = boundForm(await resolveAddress(listen));
    return upstream !== this.#upstream || (listen !== this.#listen && bound !== this.#listen);
  }
}
