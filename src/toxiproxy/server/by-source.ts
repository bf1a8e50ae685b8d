import type { Server, Socket } from 'node:net';
import { plainAddress } from '../../core/plain-address.ts';
import { boundForm } from './address.ts';
import type { Clock } from './clock.ts';
import { Connections } from './connections.ts';
import {
  type Accept,
  addressOf,
  IN_USE,
  ListenError,
  type Listener,
  listenOn,
  resolveListen,
} from './listener.ts';
import type { ProxyRoute } from './proxy.ts';

/** A region with the test for its source addresses. */
export interface Source {
  readonly name: string;
  /** Whether this IP address belongs to the region. */
  readonly matches: (address: string) => boolean;
}

/** Accepts a connection and resets it, to refuse one source on a shared port. */
const refuse: Accept = (client) => client.resetAndDestroy();

/** One listener shared by several regions. */
interface SharedListener {
  readonly server: Server;
  readonly address: string;
  /** The handler of connections per region. */
  readonly accepts: Map<string, Accept>;
  /** For all other connections; absent without a route. */
  readonly passThrough: Connections | undefined;
}

/**
 * Listeners that select the region of each connection by its source address. Connections of no region, or of a region
 * without a proxy there, go directly to the route's upstream.
 */
export class SourceListeners {
  readonly #listeners = new Map<string, SharedListener>();
  #opening: Promise<unknown> = Promise.resolve();
  readonly #sources: readonly Source[];
  readonly #clock: Clock;

  constructor(options: { readonly sources: readonly Source[]; readonly clock: Clock }) {
    this.#sources = options.sources;
    this.#clock = options.clock;
  }

  /** Opens a permanent listener with a handler for connections that no proxy takes. */
  async addRoute({ listen, upstream }: ProxyRoute): Promise<void> {
    const passThrough = new Connections({
      clock: this.#clock,
      seed: 0,
      owner: listen,
      fromClientAddress: true,
      upstream: () => upstream,
      toxics: { upstream: [], downstream: [] },
    });
    await this.#listen(listen, passThrough);
  }

  regionListener(region: string): Listener {
    let joined: SharedListener | undefined;
    const leave = () => {
      if (joined !== undefined) this.#leave(joined, region);
      joined = undefined;
    };
    return {
      open: async (listen, accept) => {
        const listener = await this.#join(listen);
        if (listener !== joined && listener.accepts.has(region))
          throw new ListenError(listener.address, IN_USE);
        if (listener !== joined) leave();
        joined = listener;
        listener.accepts.set(region, accept);
        return listener.address;
      },
      shut: (listen) => {
        const listener = this.#listeners.get(listen);
        if (joined === undefined && listener?.accepts.has(region) === false) joined = listener;
        joined?.accepts.set(region, refuse);
      },
      leave,
    };
  }

  close(): void {
    for (const { server, passThrough } of this.#listeners.values()) {
      server.close();
      passThrough?.destroy();
    }
    this.#listeners.clear();
  }

  #join(listen: string): Promise<SharedListener> {
    const joining = this.#opening.then(async () => {
      const address = boundForm(await resolveListen(listen));
      return this.#listeners.get(address) ?? this.#listen(address, undefined);
    });
    this.#opening = joining.catch(() => {}); // one at a time, so that two regions do not open the same listener twice
    return joining;
  }

  async #listen(listen: string, passThrough: Connections | undefined): Promise<SharedListener> {
    const accepts = new Map<string, Accept>();
    const server = await listenOn(listen, (client) => this.#acceptOf(client, accepts, passThrough)(client));
    const listener = { server, address: addressOf(server), accepts, passThrough };
    this.#listeners.set(listener.address, listener);
    return listener;
  }

  #acceptOf(
    client: Socket,
    accepts: ReadonlyMap<string, Accept>,
    passThrough: Connections | undefined,
  ): Accept {
    const address = plainAddress(client.remoteAddress);
    const region = this.#sources.find((source) => source.matches(address))?.name;
    const accept = region === undefined ? undefined : accepts.get(region);
    return accept ?? (passThrough === undefined ? refuse : (passing) => passThrough.accept(passing));
  }

  /** The last region to leave closes the listener, unless a route keeps it open. */
  #leave(listener: SharedListener, region: string): void {
    listener.accepts.delete(region);
    if (listener.accepts.size > 0 || listener.passThrough !== undefined) return;
    listener.server.close();
    this.#listeners.delete(listener.address);
  }
}
