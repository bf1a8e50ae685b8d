import { OpenclawError } from '../core/errors.ts';
import type { ProxyState, ToxicToAdd, ToxiproxyClient } from '../toxiproxy/client.ts';

/** Starts a Toxiproxy anew, with its proxies and nothing in force. */
export type Restart = () => Promise<void>;

/** What is to be in force on one proxy, as far as this program knows. */
interface Wanted {
  enabled: boolean;
  readonly toxics: Map<string, ToxicToAdd>;
}

/**
 * The Toxiproxy of one region. One that has stopped answering, as Shopify's can when it heals, is started anew where
 * that is possible, once for all that wait for it; it gets back what this program had put into force. What other
 * programs had put is gone, and its connections break.
 * Rejects with an OpenclawError of code TOXIPROXY_*.
 */
export class RegionToxiproxy {
  readonly #client: ToxiproxyClient;
  readonly #restart: Restart | undefined;
  readonly #wanted = new Map<string, Wanted>();
  #reviving: Promise<void> | undefined;

  constructor(client: ToxiproxyClient, restart?: Restart) {
    this.#client = client;
    this.#restart = restart;
  }

  proxy(name: string): Promise<ProxyState> {
    return this.#client.proxy(name);
  }

  /** Says that a toxic is there, whoever put it, and is to be there after a restart. */
  expect(proxy: string, toxic: ToxicToAdd): void {
    this.#wantedOf(proxy).toxics.set(toxic.name, toxic);
  }

  /** Adds a toxic, or changes it where one of its name is there already. */
  async put(proxy: string, toxic: ToxicToAdd): Promise<void> {
    this.expect(proxy, toxic);
    await this.#answered(() => this.#putNow(proxy, toxic));
  }

  /** Takes a toxic away, if it is there. */
  async drop(proxy: string, name: string): Promise<void> {
    this.#wantedOf(proxy).toxics.delete(name);
    await this.#answered(async () => {
      const isThere = (await this.#client.toxics(proxy)).some((toxic) => toxic.name === name);
      if (isThere) await this.#client.removeToxic(proxy, name);
    });
  }

  async setEnabled(proxy: string, enabled: boolean): Promise<void> {
    this.#wantedOf(proxy).enabled = enabled;
    await this.#answered(() => this.#client.setEnabled(proxy, enabled));
  }

  async #putNow(proxy: string, toxic: ToxicToAdd): Promise<void> {
    const isThere = (await this.#client.toxics(proxy)).some(({ name }) => name === toxic.name);
    await (isThere
      ? this.#client.updateToxic(proxy, toxic.name, { attributes: toxic.attributes })
      : this.#client.addToxic(proxy, toxic));
  }

  #wantedOf(proxy: string): Wanted {
    const known = this.#wanted.get(proxy) ?? { enabled: true, toxics: new Map() };
    this.#wanted.set(proxy, known);
    return known;
  }

  /** Acts; once more where another program acted between its look and its change, or the Toxiproxy had to be revived. */
  async #answered(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof OpenclawError)) throw error;
      if (SILENT.has(error.code)) await this.#revive(error);
      else if (error.code !== 'TOXIPROXY_REFUSED') throw error;
      await act();
    }
  }

  #revive(error: OpenclawError): Promise<void> {
    this.#reviving ??= this.#reviveNow(error).finally(() => {
      this.#reviving = undefined;
    });
    return this.#reviving;
  }

  async #reviveNow(error: OpenclawError): Promise<void> {
    if (await this.#answers()) return; // it was slow, or another's call has it revived
    if (this.#restart === undefined) throw error;
    await this.#restart();
    for (const [proxy, { enabled, toxics }] of this.#wanted) {
      for (const toxic of toxics.values()) await this.#putNow(proxy, toxic);
      if (!enabled) await this.#client.setEnabled(proxy, false);
    }
  }

  async #answers(): Promise<boolean> {
    return this.#client.proxies().then(
      () => true,
      () => false,
    );
  }
}

const SILENT: ReadonlySet<string> = new Set([
  'TOXIPROXY_STUCK',
  'TOXIPROXY_TIMEOUT',
  'TOXIPROXY_UNREACHABLE',
]);
