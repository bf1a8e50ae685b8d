import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** What was done to a socket, and when: data as text, or how it was closed. */
export type SocketEvent = readonly [atMs: number, what: string];

/** A socket without a network: it records writes at once, and the test supplies the data that it receives. */
export class FakeSocket extends EventEmitter {
  readonly log: SocketEvent[] = [];
  writable = true;
  writableLength = 0;
  readableEnded = false;
  #paused = false;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    super();
    this.#nowMs = nowMs;
  }

  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  receive(text: string): void {
    this.emit('data', Buffer.from(text));
  }

  receiveEnd(): void {
    this.readableEnded = true;
    this.emit('end');
  }

  /** What the peer has not taken stays in `writableLength` until then. */
  stall(bytes: number): void {
    this.writableLength = bytes;
  }

  take(): void {
    this.writableLength = 0;
    this.emit('drain');
  }

  write(data: Buffer): boolean {
    this.#note(data.toString());
    return true;
  }

  end(): void {
    this.#note('<FIN>');
  }

  destroySoon(): void {
    this.#note('<CLOSE>');
  }

  resetAndDestroy(): void {
    this.#note('<RST>');
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  isPaused(): boolean {
    return this.#paused;
  }

  #note(what: string): void {
    this.log.push([this.#nowMs(), what]);
  }
}
