import { Socket } from 'node:net';
import { plainAddress } from '../../core/plain-address.ts';
import { makeRandom } from '../../core/prng.ts';
import type { Direction, Toxic } from '../toxic.ts';
import { parseAddress } from './address.ts';
import type { Clock } from './clock.ts';
import { SOCKET } from './listener.ts';
import type { CountBytes } from './proxy-metrics.ts';
import { ToxicPipe } from './toxic-pipe.ts';

export interface ConnectionsOptions {
  readonly clock: Clock;
  readonly seed: number | string;
  /** The owner. With the seed and the number of a connection it determines the random numbers of toxics. */
  readonly owner: string;
  /** Dial from the client's address, so that the upstream sees the client's region. */
  readonly fromClientAddress: boolean;
  /** The current upstream address. */
  readonly upstream: () => string;
  readonly toxics: Readonly<Record<Direction, readonly Toxic[]>>;
  /** What counts the bytes of a new connection; without it they are not counted. */
  readonly counterOf?: ((direction: Direction) => CountBytes) | undefined;
}

/** A client and its upstream, with a pipe in each direction. */
export type ToxicPipes = Readonly<Record<Direction, ToxicPipe>>;

/** The connections to one upstream, from the accept of a client until both sides are closed. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #sockets = new Map<Socket, 'dialing' | 'joined' | 'resetting'>();
  readonly #pipes = new Set<ToxicPipes>();
  #accepted = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get pipes(): Iterable<ToxicPipes> {
    return this.#pipes;
  }

  /** Dials the upstream for a paused client. A client whose upstream cannot be reached receives a FIN. */
  accept(client: Socket): void {
    const number = ++this.#accepted;
    const upstream = new Socket({ ...SOCKET, allowHalfOpen: true });
    this.#track(client, upstream);
    this.#track(upstream, client);
    upstream.once('connect', () => this.#join(client, upstream, number));
    try {
      upstream.connect({
        ...parseAddress(this.#options.upstream()),
        ...(this.#options.fromClientAddress ? { localAddress: plainAddress(client.remoteAddress) } : {}),
      });
    } catch {
      upstream.destroy(); // an invalid address: refused like one without a listener
    }
  }

  /** Closes all connections now; data in flight is lost. */
  destroy(): void {
    for (const [socket, state] of this.#sockets) {
      if (state === 'resetting') socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** Until the two are joined, the end of one ends the other; then the pipes do that. */
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
    const { clock, toxics, seed, owner, counterOf } = this.#options;
    if (counterOf !== undefined) {
      countBytes(client, upstream, counterOf('upstream'));
      countBytes(upstream, client, counterOf('downstream'));
    }
    const resets = [...toxics.upstream, ...toxics.downstream].some(({ type }) => type.resets);
    const makeLink = (direction: Direction, source: Socket, destination: Socket) =>
      new ToxicPipe({
        source,
        destination,
        clock,
        resets,
        toxics: toxics[direction],
        randomOf: (toxic) => makeRandom(seed, `${owner}#${number}/${direction}/${toxic.name}`),
      });
    const pipes: ToxicPipes = {
      upstream: makeLink('upstream', client, upstream),
      downstream: makeLink('downstream', upstream, client),
    };
    this.#pipes.add(pipes);
    for (const socket of [client, upstream]) {
      this.#sockets.set(socket, resets ? 'resetting' : 'joined');
      socket.once('close', () => {
        if (client.destroyed && upstream.destroyed) this.#pipes.delete(pipes);
      });
    }
  }
}

/** Counts at the end of each side, as the original does. */
function countBytes(source: Socket, destination: Socket, count: CountBytes): void {
  source.once('close', () => count('received', source.bytesRead));
  destination.once('close', () => count('sent', destination.bytesWritten));
}
