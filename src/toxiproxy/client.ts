import { isDeepStrictEqual } from 'node:util';
import { Toxiproxy as NodeClient } from 'toxiproxy-node-client';
import { OpenclawError } from '../core/errors.ts';
import type { Attributes, Direction } from './toxic.ts';
import { Transport } from './transport.ts';

/** A proxy as the server shows it. */
export interface ProxyState {
  readonly name: string;
  readonly listen: string;
  readonly upstream: string;
  readonly enabled: boolean;
  readonly toxics: readonly ToxicState[];
}

export interface ToxicState {
  readonly name: string;
  readonly type: string;
  readonly stream: string;
  readonly toxicity: number;
  readonly attributes: Attributes;
}

export type ProxyToCreate = Pick<ProxyState, 'name' | 'listen' | 'upstream'> & { readonly enabled?: boolean };

export interface ToxicToAdd {
  readonly name: string;
  readonly type: string;
  readonly stream: Direction;
  /** The share of connections it touches; default 1. */
  readonly toxicity?: number;
  readonly attributes: Attributes;
}

export interface ClientOptions {
  readonly url: string;
  /** Per call; default 5,000. */
  readonly timeoutMs?: number;
}

/**
 * A client of a Toxiproxy, ours or Shopify's, over toxiproxy-node-client. Every call has a timeout. If a reply is lost,
 * the client reads the state, and the call succeeds if the state is as requested.
 * Rejects with an OpenclawError of code TOXIPROXY_*, with the server's message if there is one.
 */
export class ToxiproxyClient {
  readonly url: string;
  readonly #client: NodeClient;
  readonly #transport: Transport;

  constructor({ url, timeoutMs = 5_000 }: ClientOptions) {
    this.url = url.replace(/\/$/, '');
    this.#transport = new Transport(timeoutMs);
    this.#client = new NodeClient(this.url);
    Object.assign(this.#client.getApi(), this.#transport);
  }

  async version(): Promise<string> {
    const { version } = JSON.parse(await this.#client.getVersion()) as { version: string };
    return version;
  }

  /** All proxies by name, with their toxics. */
  async proxies(): Promise<Readonly<Record<string, ProxyState>>> {
    return (await this.#transport.get<Record<string, ProxyState>>(`${this.url}/proxies`)).data;
  }

  async proxy(name: string): Promise<ProxyState> {
    return (await this.#transport.get<ProxyState>(this.#urlOf(name))).data;
  }

  async toxics(proxy: string): Promise<readonly ToxicState[]> {
    return (await this.#transport.get<ToxicState[]>(`${this.#urlOf(proxy)}/toxics`)).data;
  }

  async create(proxy: ProxyToCreate): Promise<ProxyState> {
    await this.#sure(
      () => this.#client.createProxy(proxy),
      () => this.proxy(proxy.name),
      (now) => isAs(now, proxy),
    );
    return this.proxy(proxy.name);
  }

  /** Creates the missing proxies; existing ones keep their state and toxics. */
  async populate(proxies: readonly ProxyToCreate[]): Promise<void> {
    if (proxies.length === 0) return; // toxiproxy-node-client throws at its reply, `null`
    await this.#sure(
      () => this.#client.populate([...proxies]),
      () => this.proxies(),
      (now) => proxies.every((proxy) => isAs(now[proxy.name], proxy)),
    );
  }

  async setEnabled(name: string, enabled: boolean): Promise<ProxyState> {
    return this.#sure(
      async () => (await this.#transport.post<ProxyState>(this.#urlOf(name), { enabled })).data,
      () => this.proxy(name),
      (now) => now.enabled === enabled,
    );
  }

  async addToxic(proxy: string, toxic: ToxicToAdd): Promise<ToxicState> {
    const body = { toxicity: 1, ...toxic };
    return this.#sure(
      async () => (await this.#transport.post<ToxicState>(`${this.#urlOf(proxy)}/toxics`, body)).data,
      () => this.#toxic(proxy, toxic.name),
      (now) => agrees(now, { type: toxic.type, attributes: toxic.attributes }),
    );
  }

  async updateToxic(
    proxy: string,
    name: string,
    changes: Partial<Pick<ToxicState, 'toxicity' | 'attributes'>>,
  ): Promise<ToxicState> {
    return this.#sure(
      async () => (await this.#transport.post<ToxicState>(this.#urlOf(proxy, name), changes)).data,
      () => this.#toxic(proxy, name),
      (now) => agrees(now, changes),
    );
  }

  /**
   * Removes a toxic. While a reader is stalled, Shopify's server can hang here and hold the lock on its proxies. Then
   * an enabled proxy is disabled and enabled, which drops the stalled connection. Rejects with TOXIPROXY_STUCK if the
   * server still hangs.
   */
  async removeToxic(proxy: string, name: string): Promise<void> {
    const isGone = (now: readonly ToxicState[]) => now.every((toxic) => toxic.name !== name);
    const remove = () =>
      this.#sure(
        () => this.#transport.delete(this.#urlOf(proxy, name)),
        () => this.toxics(proxy),
        isGone,
      );
    try {
      await remove();
    } catch (error) {
      if (!isTimeout(error)) throw error;
      await this.#unstick(proxy, async () => {
        if (!isGone(await this.toxics(proxy))) await remove();
      });
    }
  }

  /** Enables every proxy and removes all toxics. */
  async reset(): Promise<void> {
    await this.#sure(
      () => this.#client.reset(),
      () => this.proxies(),
      (now) => Object.values(now).every(({ enabled, toxics }) => enabled && toxics.length === 0),
    );
  }

  async #unstick(proxy: string, finish: () => Promise<void>): Promise<void> {
    try {
      if ((await this.proxy(proxy)).enabled) {
        await this.setEnabled(proxy, false);
        await this.setEnabled(proxy, true);
      }
      await finish();
    } catch (error) {
      throw new OpenclawError(
        'TOXIPROXY_STUCK',
        `the Toxiproxy at ${this.url} hangs while it removes a toxic of ${proxy}; restart it`,
        { cause: error },
      );
    }
  }

  /** The reply to an act. If none comes, the state that `read` returns decides whether it succeeded. */
  async #sure<Reply, State>(
    act: () => Promise<Reply>,
    read: () => Promise<State>,
    isDone: (now: State) => boolean,
  ): Promise<Reply | State> {
    try {
      return await act();
    } catch (error) {
      if (!isReplyLost(error)) throw error;
      const now = await read().catch(() => undefined);
      if (now === undefined || !isDone(now)) throw error;
      return now;
    }
  }

  async #toxic(proxy: string, name: string): Promise<ToxicState> {
    return (await this.#transport.get<ToxicState>(this.#urlOf(proxy, name))).data;
  }

  #urlOf(proxy: string, toxic?: string): string {
    const url = `${this.url}/proxies/${encodeURIComponent(proxy)}`;
    return toxic === undefined ? url : `${url}/toxics/${encodeURIComponent(toxic)}`;
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof OpenclawError && error.code === 'TOXIPROXY_TIMEOUT';
}

function isReplyLost(error: unknown): boolean {
  return isTimeout(error) || (error instanceof OpenclawError && error.code === 'TOXIPROXY_UNREACHABLE');
}

/** Whether a proxy is as requested. A server may report `[::]` for a requested `0.0.0.0`. */
function isAs(now: ProxyState | undefined, { listen, ...wanted }: ProxyToCreate): boolean {
  const everywhere = (address = '') => address.replace(/^\[::\]:/, '0.0.0.0:');
  return agrees(now, wanted) && everywhere(now?.listen) === everywhere(listen);
}

/** Whether a state has all requested values; attributes that were not requested are ignored. */
function agrees(now: object | undefined, wanted: object): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    const found = now?.[key as keyof typeof now] as unknown;
    if (typeof value === 'object' && value !== null) return agrees(found as object | undefined, value);
    return isDeepStrictEqual(found, value);
  });
}
