import type { Server, Socket } from 'node:net';
import { formatAddress, plainAddress, resolveAddress } from './address.ts';
import { ApiError } from './api-error.ts';
import type { Clock } from './clock.ts';
import { Connections } from './connections.ts';
import { type Accept, addressOf, type Gate, listenOn } from './gate.ts';
import type { ProxyRoute } from './proxy.ts';

/** A region, as far as telling whose a connection is. */
export interface Source {
  readonly name: string;
  /** Whether a client with this IP address is of this region. */
  readonly matches: (address: string) => boolean;
}

/** Accepts a connection and resets it: the refusal of one source on a port that others may use. */
const refuse: Accept = (client) => client.resetAndDestroy();

/** One listener that several regions share. */
interface SharedListener {
  readonly server: Server;
  readonly address: string;
  /** By region: what becomes of its connections. */
  readonly accepts: Map<string, Accept>;
  /** For everybody else; without a route, nobody else is expected. */
  readonly passThrough: Connections | undefined;
}

/**
 * Listeners that hand each connection to the region its source address belongs to. Connections of no region,
 * or of a region without a proxy there, go straight to the route's upstream.
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

  /** A listener that stays, with the way for connections that no proxy takes. */
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

  gateOf(region: string): Gate {
    let joined: SharedListener | undefined;
    const leave = () => {
      if (joined !== undefined) this.#leave(joined, region);
      joined = undefined;
    };
    return {
      open: async (listen, accept) => {
        const listener = await this.#join(listen);
        if (listener !== joined && listener.accepts.has(region)) throw alreadyInUse(listener.address);
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
      const address = formatAddress(await resolveAddress(listen));
      return this.#listeners.get(address) ?? this.#listen(address, undefined);
    });
    this.#opening = joining.catch(() => {}); // one at a time: two regions must not open one listener twice
    return joining;
  }

  async #listen(listen: string, passThrough: Connections | undefined): Promise<SharedListener> {
    const accepts = new Map<string, Accept>();
    const server = await listenOn(await resolveAddress(listen), (client) =>
      this.#acceptOf(client, accepts, passThrough)(client),
    );
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

  /** The last to leave closes the listener, unless a route keeps it. */
  #leave(listener: SharedListener, region: string): void {
    listener.accepts.delete(region);
    if (listener.accepts.size > 0 || listener.passThrough !== undefined) return;
    listener.server.close();
    this.#listeners.delete(listener.address);
  }
}

function alreadyInUse(address: string): ApiError {
  return new ApiError(500, `listen tcp ${address}: bind: address already in use`);
}
