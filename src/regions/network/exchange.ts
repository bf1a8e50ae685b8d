import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Endpoint, Login } from '../provider.ts';

/** Where and how one command is sent. */
export interface ExchangeOptions {
  readonly to: Endpoint & Login;
  /** The local address to connect from. */
  readonly from?: string;
  readonly withinMs: number;
}

/** What came of one command on a connection of its own. */
export interface Exchange {
  readonly isConnected: boolean;
  /** Whether a whole reply came in time. An error reply counts: the command arrived. */
  readonly isAnswered: boolean;
  /** The connection failed: it was refused, or closed before a whole reply. */
  readonly isBroken: boolean;
  /** From the command to the reply, in milliseconds; without a reply until this gave up. */
  readonly ms: number;
}

/** An exchange of which only the answer matters. */
export type Answer = Omit<Exchange, 'isConnected'>;

const LINE_END = '\r\n';

/**
 * Sends one command of Redis, once, and waits for its reply. Never rejects. A client that reconnects would hide a link
 * that works by turns.
 */
export function exchange(command: readonly string[], options: ExchangeOptions): Promise<Exchange> {
  const { to, from, withinMs } = options;
  const { host, port, username = 'default', password, tls } = to;
  const place = { host, port, ...(from !== undefined && { localAddress: from }) };
  const login = password === undefined ? [] : [['AUTH', username, password]];
  return new Promise((resolve) => {
    const socket = tls === undefined ? connect(place) : connectTls({ ...place, ...tls });
    let [isConnected, sentMs] = [false, performance.now()];
    const replies = new ReplyCounter();
    const end = (isAnswered: boolean, isBroken = false) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ isConnected, isAnswered, isBroken, ms: performance.now() - sentMs });
    };
    // After a stall of this program, sockets are read between the timer and this.
    const timer = setTimeout(() => setImmediate(end, false), withinMs);
    socket.setNoDelay(true);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      isConnected = true;
      if (login.length > 0) write(socket, login);
      else begin();
    });
    const begin = () => {
      sentMs = performance.now();
      write(socket, [command]);
    };
    socket.on('data', (data: Buffer) => {
      const before = replies.count;
      replies.add(data);
      if (before < login.length && replies.count === login.length) begin();
      else if (replies.count > login.length) end(true);
    });
    socket.on('error', () => end(false, true));
    socket.on('close', () => end(false, true));
  });
}

function write(socket: Socket, commands: readonly (readonly string[])[]): void {
  for (const words of commands) {
    const parts = words.flatMap((word) => [`$${Buffer.byteLength(word)}`, word]);
    socket.write([`*${words.length}`, ...parts, ''].join(LINE_END));
  }
}

/** Counts whole replies: simple ones, and texts with a length. */
class ReplyCounter {
  count = 0;
  #head = '';
  /** Bytes of a text, with its line end, that are still to come. */
  #due = 0;

  add(data: Buffer): void {
    for (let at = 0; at < data.length; ) {
      if (this.#due > 0) {
        const taken = Math.min(this.#due, data.length - at);
        this.#due -= taken;
        at += taken;
        if (this.#due === 0) this.count++;
        continue;
      }
      const byte = String.fromCharCode(data[at++] ?? 0);
      this.#head += byte;
      if (!this.#head.endsWith(LINE_END)) continue;
      const length = this.#head.startsWith('$') ? Number(this.#head.slice(1)) : -1;
      this.#head = '';
      if (length < 0) this.count++;
      else this.#due = length + LINE_END.length;
    }
  }
}
