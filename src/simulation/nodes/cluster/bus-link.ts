import type { End, Network, Place } from '../../network.ts';
import type { ServerProcess } from '../process.ts';
import { type BusMessage, bytesOf } from './messages.ts';

interface LinkOptions {
  readonly network: Network;
  readonly process: ServerProcess;
  readonly place: Place;
  readonly to: string;
  readonly createdMs: number;
  readonly opened: () => void;
  readonly message: (message: BusMessage) => void;
  readonly closed: () => void;
}

/** The bus connection that a node opens to another. What is sent before it is open goes out then. */
export class BusLink {
  readonly createdMs: number;
  readonly #connection: { close(): void };
  readonly #queue: BusMessage[] = [];
  #end: End<BusMessage> | undefined;
  #isFreed = false;

  constructor({ network, process, place, to, createdMs, opened, message, closed }: LinkOptions) {
    this.createdMs = createdMs;
    const socket = process.socket();
    const unlessFreed = (call: () => void) => socket.run(() => !this.#isFreed && call());
    this.#connection = network.connect<BusMessage, BusMessage>(
      place,
      { node: to, port: 'bus' },
      {
        opened: (end) =>
          unlessFreed(() => {
            this.#end = end;
            opened();
            for (const queued of this.#queue.splice(0)) this.send(queued);
          }),
        message: (heard) => unlessFreed(() => message(heard)),
        closed: () => unlessFreed(closed),
      },
    );
  }

  send(message: BusMessage): void {
    if (this.#end === undefined) this.#queue.push(message);
    else this.#end.send(message, bytesOf(message));
  }

  /** Closes it; nothing is heard of it any more. */
  free(): void {
    this.#isFreed = true;
    this.#connection.close();
  }
}
