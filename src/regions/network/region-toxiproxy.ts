import { OpenclawError } from '../../core/errors.ts';
import type { ProxyState, ToxicToAdd, ToxiproxyClient } from '../../toxiproxy/client.ts';
import { waitFor } from '../waiting.ts';

/** How a Toxiproxy of this cluster is restarted and populated. */
export interface Revival {
  /** Restarts it, unless another program restarted it since `silentSinceMs` (milliseconds since 1970). */
  restart(silentSinceMs: number): Promise<void>;
  /** Waits until it answers and creates the missing proxies. */
  populate(): Promise<void>;
}

/** Waits until the Toxiproxy of a region answers. Throws the errors of `waitFor`. */
export function untilAnswers(
  client: Pick<ToxiproxyClient, 'version'>,
  { region, withinMs, signal }: { region: string; withinMs: number; signal: AbortSignal },
): Promise<void> {
  return waitFor(`the Toxiproxy of ${region} to answer`, withinMs, signal, () =>
    client.version().then(
      () => undefined,
      (error: Error) => error.message,
    ),
  );
}

/** The state that this program has set on one proxy. */
interface Wanted {
  enabled: boolean;
  readonly toxics: Map<string, ToxicToAdd>;
}

/**
 * The Toxiproxy of one region. With a `Revival`, a Toxiproxy that hangs (Shopify's can when it removes a toxic) or has
 * lost its proxies is restarted, and the state that this program set is restored. Concurrent calls share one revival.
 * Toxics of other programs are lost, and open connections break.
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

  /** The host of its API. */
  get host(): string {
    return new URL(this.#client.url).hostname.replace(/^\[(.*)\]$/, '$1');
  }

  proxy(name: string): Promise<ProxyState> {
    return this.#client.proxy(name);
  }

  /** Notes a toxic that exists already, so that a revival restores it. */
  expect(proxy: string, toxic: ToxicToAdd): void {
    this.#wantedOf(proxy).toxics.set(toxic.name, toxic);
  }

  /** Adds a toxic, or updates the one of the same name. */
  async put(proxy: string, toxic: ToxicToAdd): Promise<void> {
    const isKnown = this.#wantedOf(proxy).toxics.has(toxic.name);
    this.expect(proxy, toxic);
    await this.#answered(() => this.#putNow(proxy, toxic, isKnown));
  }

  /** Removes a toxic if it exists. */
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

  /** One request, unless another program has added or removed the toxic. */
  async #putNow(proxy: string, toxic: ToxicToAdd, isKnown: boolean): Promise<void> {
    const add = () => this.#client.addToxic(proxy, toxic);
    const update = () => this.#client.updateToxic(proxy, toxic.name, { attributes: toxic.attributes });
    const [first, second, status] = isKnown ? [update, add, NOT_FOUND] : [add, update, EXISTS];
    await first().catch((error: unknown) => {
      if (isOf(error, ['TOXIPROXY_REFUSED']) && statusOf(error) === status) return second();
      throw error;
    });
  }

  /** Acts, and retries once after a conflict with another program or after a revival. */
  async #answered(act: () => Promise<unknown>): Promise<void> {
    await this.#reviving?.catch(() => {}); // the call that started the revival reports its failure
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
    if (isWhole) return; // it was slow, or another program revived it
    if (this.#revival === undefined) throw error;
    if (there === undefined) await this.#revival.restart(sinceMs);
    await this.#revival.populate();
    for (const [proxy, { enabled, toxics }] of this.#wanted) {
      for (const toxic of toxics.values()) await this.#putNow(proxy, toxic, false);
      if (!enabled) await this.#client.setEnabled(proxy, false);
    }
  }
}

const [NOT_FOUND, EXISTS] = [404, 409];

function statusOf({ cause }: OpenclawError): number | undefined {
  return (cause as { readonly status?: number } | undefined)?.status;
}

const SILENT = ['TOXIPROXY_STUCK', 'TOXIPROXY_TIMEOUT', 'TOXIPROXY_UNREACHABLE'] as const;

function isOf(error: unknown, codes: readonly string[]): error is OpenclawError {
  return error instanceof OpenclawError && codes.includes(error.code);
}
