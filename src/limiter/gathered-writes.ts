import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';

/** Some twenty commands. Without it, client and server wait for each other in turn: half the decisions a second. */
const MOST_GATHERED = 2_048;

/**
 * Joins the commands of one turn of the event loop into few writes: under load a write costs more than all that the
 * client does otherwise, and the server answers them in few as well. A command that is held when the connection
 * breaks counts as written.
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
