import { OpenclawError } from '../core/errors.ts';
import type { ProxyState, ToxicToAdd, ToxiproxyClient } from '../toxiproxy/client.ts';

/** How a Toxiproxy that is ours is made whole again. */
export interface Revival {
  /** Ends it, whatever it hangs on, and starts it, unless somebody has since it fell silent. Milliseconds since 1970. */
  restart(silentSinceMs: number): Promise<void>;
  /** Waits until it answers, and makes those of its proxies that are not there. */
  populate(): Promise<void>;
}

/** What is to be in force on one proxy, as far as this program knows. */
interface Wanted {
  enabled: boolean;
  readonly toxics: Map<string, ToxicToAdd>;
}

/**
 * The Toxiproxy of one region. One that has stopped answering, as Shopify's can when it heals, or that has lost its
 * proxies, is revived where that is possible, once for all that wait for it: it is started anew, and gets back what this
 * program had put into force. What other programs had put is gone, and its connections break.
 * Rejects with an OpenclawError of code TOXIPROXY_*.
 */
export class RegionToxiproxy {
  readonly #client: ToxiproxyClient;
  readonly #revival: Revival | undefined;
  readonly #wanted = new Map<string, Wanted>();
  #reviving: Promise<void> | undefined;

  constructor(client: ToxiproxyClient, revival?: Revival) {
    this.#client = client;
    this.#revival = revival;
  }

  proxy(name: string): Promise<ProxyState> {
    return this.#client.proxy(name);
  }

  /** Says that a toxic is there, whoever put it, and is to be there after a revival. */
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

  #wantedOf(proxy: string): Wanted {
    const known = this.#wanted.get(proxy) ?? { enabled: true, toxics: new Map() };
    this.#wanted.set(proxy, known);
    return known;
  }

  async #putNow(proxy: string, toxic: ToxicToAdd): Promise<void> {
    const isThere = (await this.#client.toxics(proxy)).some(({ name }) => name === toxic.name);
    await (isThere
      ? this.#client.updateToxic(proxy, toxic.name, { attributes: toxic.attributes })
      : this.#client.addToxic(proxy, toxic));
  }

  /** Acts; once more where another acted between its look and its change, or the Toxiproxy had to be revived. */
  async #answered(act: () => Promise<unknown>): Promise<void> {
    await this.#reviving?.catch(() => {}); // its failure is told to those who asked for it
    const sinceMs = Date.now();
    try {
      await act();
    } catch (error) {
      if (!isOf(error, [...SILENT, 'TOXIPROXY_REFUSED'])) throw error;
      await this.#revive(error, sinceMs);
      await act();
    }
  }

  #revive(error: OpenclawError, sinceMs: number): Promise<void> {
    this.#reviving ??= this.#reviveNow(error, sinceMs).finally(() => {
      this.#reviving = undefined;
    });
    return this.#reviving;
  }

  async #reviveNow(error: OpenclawError, sinceMs: number): Promise<void> {
    const there = await this.#client.proxies().catch(() => undefined);
    const isWhole = there !== undefined && [...this.#wanted.keys()].every((proxy) => proxy in there);
    if (isWhole) return; // it was slow, or another's call has it revived
    if (this.#revival === undefined) throw error;
    if (there === undefined) await this.#revival.restart(sinceMs);
    await this.#revival.populate();
    for (const [proxy, { enabled, toxics }] of this.#wanted) {
      for (const toxic of toxics.values()) await this.#putAgain(proxy, toxic);
      if (!enabled) await this.#client.setEnabled(proxy, false);
    }
  }

  /** What was under way when it was revived may put the same toxic at the same moment. */
  async #putAgain(proxy: string, toxic: ToxicToAdd): Promise<void> {
    await this.#putNow(proxy, toxic).catch((error: unknown) => {
      if (isOf(error, ['TOXIPROXY_REFUSED'])) return this.#putNow(proxy, toxic);
      throw error;
    });
  }
}

const SILENT = ['TOXIPROXY_STUCK', 'TOXIPROXY_TIMEOUT', 'TOXIPROXY_UNREACHABLE'] as const;

function isOf(error: unknown, codes: readonly string[]): error is OpenclawError {
  return error instanceof OpenclawError && codes.includes(error.code);
}
