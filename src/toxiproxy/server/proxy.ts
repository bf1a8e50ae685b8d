import { formatAddress, resolveAddress } from './address.ts';
import { Connections, type ConnectionsOptions } from './connections.ts';
import type { Gate } from './gate.ts';
import { ToxicChain } from './toxic-chain.ts';

/** Where a proxy listens and leads to; both `host:port`. */
export interface ProxyRoute {
  readonly listen: string;
  readonly upstream: string;
}

export interface ProxyOptions extends ProxyRoute {
  readonly name: string;
  readonly gate: Gate;
  readonly connections: Pick<ConnectionsOptions, 'clock' | 'seed' | 'owner' | 'fromClientAddress'>;
}

/** One proxy: listens, leads each client to the upstream through its toxics. Made disabled. */
export class TcpProxy {
  readonly name: string;
  readonly toxics: ToxicChain;
  readonly #gate: Gate;
  readonly #connections: Connections;
  #listen: string;
  #upstream: string;
  #enabled = false;

  constructor({ name, listen, upstream, gate, connections }: ProxyOptions) {
    this.name = name;
    this.#listen = listen;
    this.#upstream = upstream;
    this.#gate = gate;
    this.toxics = new ToxicChain(() => this.#connections.links);
    this.#connections = new Connections({
      ...connections,
      upstream: () => this.#upstream,
      toxics: this.toxics,
    });
    gate.shut(listen);
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

  /** Listens, if it does not yet. A port 0 becomes the real one and is kept. Throws an ApiError. */
  async start(): Promise<void> {
    if (this.#enabled) return;
    this.#listen = await this.#gate.open(this.#listen, (client) => this.#connections.accept(client));
    this.#enabled = true;
  }

  /** Refuses new connections and closes those there are; toxics stay. */
  stop(): void {
    this.#enabled = false;
    this.#gate.shut(this.#listen);
    this.#connections.destroy();
  }

  remove(): void {
    this.stop();
    this.#gate.leave();
  }

  /** A new route drops all connections; when it cannot be listened on, the proxy keeps it and is disabled. */
  async update({ enabled, ...route }: ProxyRoute & { readonly enabled: boolean }): Promise<void> {
    if (await this.differsFrom(route)) {
      this.stop();
      this.#gate.leave();
      this.#listen = route.listen;
      this.#upstream = route.upstream;
      this.#gate.shut(route.listen);
    }
    if (enabled) await this.start();
    else if (this.#enabled) this.stop();
  }

  async differsFrom({ listen, upstream }: ProxyRoute): Promise<boolean> {
    return (
      upstream !== this.#upstream || (listen !== this.#listen && (await resolved(listen)) !== this.#listen)
    );
  }
}

async function resolved(listen: string): Promise<string> {
  return resolveAddress(listen).then(formatAddress, () => listen);
}
