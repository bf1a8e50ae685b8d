import { Socket } from 'node:net';
import { makeRandom } from '../../core/prng.ts';
import type { Direction, Toxic } from '../toxic.ts';
import { parseAddress, plainAddress } from './address.ts';
import type { Clock } from './clock.ts';
import { Link } from './link.ts';

export interface ConnectionsOptions {
  readonly clock: Clock;
  readonly seed: number | string;
  /** Whose they are: with the seed and the number of a connection it gives the numbers its toxics draw. */
  readonly owner: string;
  /** Dial from the client's own address, so that the target sees where it comes from. */
  readonly fromClientAddress: boolean;
  /** Where to, at this moment. */
  readonly upstream: () => string;
  readonly toxics: Readonly<Record<Direction, readonly Toxic[]>>;
}

/** A client and its upstream, with a link in each direction. */
export type Links = Readonly<Record<Direction, Link>>;

/** The connections that lead to one upstream, from the moment a client is accepted until both sides are closed. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #sockets = new Map<Socket, 'dialing' | 'joined' | 'resetting'>();
  readonly #links = new Set<Links>();
  #accepted = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get links(): Iterable<Links> {
    return this.#links;
  }

  /** Takes a client, paused, and dials for it; a client whose upstream cannot be reached sees a FIN. */
  accept(client: Socket): void {
    const number = ++this.#accepted;
    const upstream = new Socket({ allowHalfOpen: true });
    this.#track(client, upstream);
    this.#track(upstream, client);
    upstream.once('connect', () => this.#join(client, upstream, number));
    try {
      upstream.connect({
        ...parseAddress(this.#options.upstream()),
        ...(this.#options.fromClientAddress ? { localAddress: plainAddress(client.remoteAddress) } : {}),
        noDelay: true,
      });
    } catch {
      upstream.destroy(); // no address at all: refused like one where nobody listens
    }
  }

  /** Closes them all now; data in flight is lost. */
  destroy(): void {
    for (const [socket, state] of this.#sockets) {
      if (state === 'resetting') socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** Until the two are joined, the end of one is the end of the other; then their links see to it. */
  #track(socket: Socket, other: Socket): void {
    this.#sockets.set(socket, 'dialing');
    socket
      .on('error', () => {}) // 'close' follows
      .once('close', () => {
        if (this.#sockets.get(socket) === 'dialing') other.destroy();
        this.#sockets.delete(socket);
      });
  }

  #join(client: Socket, upstream: Socket, number: number): void {
    if (client.destroyed) return;
    const { clock, toxics, seed, owner } = this.#options;
    const resets = [...toxics.upstream, ...toxics.downstream].some(({ type }) => type.resets);
    const makeLink = (direction: Direction, source: Socket, destination: Socket) =>
      new Link({
        source,
        destination,
        clock,
        resets,
        toxics: toxics[direction],
        randomOf: (toxic) => makeRandom(seed, `${owner}#${number}/${direction}/${toxic.name}`),
      });
    const links: Links = {
      upstream: makeLink('upstream', client, upstream),
      downstream: makeLink('downstream', upstream, client),
    };
    this.#links.add(links);
    for (const socket of [client, upstream]) {
      this.#sockets.set(socket, resets ? 'resetting' : 'joined');
      socket.once('close', () => {
        if (client.destroyed && upstream.destroyed) this.#links.delete(links);
      });
    }
  }
}
