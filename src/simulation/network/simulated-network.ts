import { makeRandom, type Random } from '../../core/prng.ts';
import { everyServer, type Topology } from '../../topology/topology.ts';
import { type Delays, DIRECT_US, drawDelay, PROXIED_US } from '../delays.ts';
import type { Accept, End, Hears, Network, Place, Port } from '../network.ts';
import type { VirtualTime } from '../virtual-time.ts';
import { SimulatedAccess } from './access.ts';
import { Connection } from './connection.ts';
import { SimulatedLinks } from './links.ts';
import { Proxies } from './proxies.ts';

export interface NetworkOptions {
  readonly topology: Topology;
  readonly time: VirtualTime;
  readonly seed: number | string;
}

interface Listener {
  readonly accept: Accept<unknown, unknown>;
  readonly connections: Set<Connection>;
}

const NO_TOXICS = { upstream: [], downstream: [] };

/**
 * The network of a topology on one machine, as local regions have it: what leaves a region passes the Toxiproxy of that
 * region, which delays data and not connections. Clients pass one on the way to their own region, too.
 * Left out: limits of memory and bandwidth without a fault, lost packets, half-closed connections.
 */
export class SimulatedNetwork implements Network {
  readonly time: VirtualTime;
  readonly links: SimulatedLinks;
  readonly access: SimulatedAccess;
  readonly #proxies: Proxies;
  readonly #random: Random;
  readonly #regionOf: ReadonlyMap<string, string>;
  readonly #listeners = new Map<string, Listener>();
  /** By the node at which they begin. */
  readonly #begun = new Map<string, Set<Connection>>();

  constructor({ topology, time, seed }: NetworkOptions) {
    this.time = time;
    this.#random = makeRandom(seed, 'network');
    this.#regionOf = new Map(everyServer(topology).map(({ name, region }) => [name, region]));
    this.#proxies = new Proxies(topology);
    this.links = new SimulatedLinks(this.#proxies);
    this.access = new SimulatedAccess(this.#proxies);
  }

  listen<Sent, Heard>(port: Port, accept: Accept<Sent, Heard>): { close(): void } {
    const listener: Listener = {
      accept: accept as unknown as Accept<unknown, unknown>,
      connections: new Set(),
    };
    const key = keyOf(port);
    this.#listeners.set(key, listener);
    return {
      close: () => {
        if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
        for (const connection of [...listener.connections]) connection.close('accepter');
      },
    };
  }

  connect<Sent, Heard>(
    from: Place,
    to: Port,
    hears: Hears<Heard> & { opened(end: End<Sent>): void },
  ): { close(): void } {
    const delays = this.#delaysOf(from, to);
    const tripUs = drawDelay(delays, this.#random) + drawDelay(delays, this.#random);
    let connection: Connection | undefined;
    const opening = this.time.after(tripUs, () => {
      connection = this.#open(from, to, delays);
      if (connection === undefined) return hears.closed();
      connection.hear('opener', hears as Hears<unknown>);
      hears.opened(connection.end('opener') as End<Sent>);
    });
    return {
      close: () => {
        opening.cancel();
        connection?.close('opener');
      },
    };
  }

  resetFrom(node: string): void {
    for (const connection of [...(this.#begun.get(node) ?? [])]) connection.close('opener');
  }

  /** Undefined if it is refused. */
  #open(from: Place, to: Port, delays: Delays): Connection | undefined {
    const proxy = this.#proxies.between(from, to);
    const listener = this.#listeners.get(keyOf(to));
    if (listener === undefined || proxy?.isEnabled === false) return undefined;
    const places = [listener.connections, this.#begunBy(from), proxy?.connections];
    const connection = new Connection({
      ...{ time: this.time, random: this.#random, delays },
      toxics: proxy?.toxics ?? NO_TOXICS,
      over: (ended) => {
        for (const place of places) place?.delete(ended);
      },
    });
    const hears = listener.accept(connection.end('accepter'), from);
    if (hears === undefined) return undefined;
    connection.hear('accepter', hears);
    for (const place of places) place?.add(connection);
    return connection;
  }

  #begunBy({ node }: Place): Set<Connection> | undefined {
    if (node === undefined) return undefined;
    const begun = this.#begun.get(node) ?? new Set();
    this.#begun.set(node, begun);
    return begun;
  }

  #delaysOf({ region, node }: Place, to: Port): Delays {
    return node !== undefined && this.#regionOf.get(to.node) === region ? DIRECT_US : PROXIED_US;
  }
}

function keyOf({ node, port }: Port): string {
  return `${node} ${port}`;
}
