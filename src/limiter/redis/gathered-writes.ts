import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';

/** About twenty commands. With larger writes client and server wait for each other: half the decisions a second. */
const MOST_GATHERED = 2_048;

/**
 * Joins the commands of one turn of the event loop into few writes. Under load a write costs more than the rest of the
 * client's work, and the server's replies come in few packets as well. A command held back when the connection breaks
 * counts as written.
 */
export class GatheredWrites {
  readonly #node: Redis;
  #stream: Socket | undefined;
  #text = '';

  constructor(node: Redis) {
    this.#node = node;
  }

  write(command: string | Buffer): void {
    if (typeof command !== 'string' || this.#stream !== this.#node.stream) this.#flush();
    this.#stream = this.#node.stream;
    if (typeof command !== 'string') {
      this.#stream.write(command);
      return;
    }
    if (this.#text === '') setImmediate(() => this.#flush());
    this.#text += command;
    if (this.#text.length >= MOST_GATHERED) this.#flush();
  }

  #flush(): void {
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    if (this.#stream?.writable) this.#stream.write(text);
  }
}
