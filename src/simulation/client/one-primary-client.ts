import type { Network, Place } from '../network.ts';
import type { Client, ClientEvents } from './client.ts';
import { PrimaryConnection, type Servers } from './primary-connection.ts';
import { Problems } from './problems.ts';
import { CLOSED, NEVER_SENT, type SentCommand } from './sent-command.ts';

export interface OnePrimaryClientOptions extends ClientEvents {
  readonly network: Network;
  readonly from: Place;
  readonly servers: Servers;
  readonly timeoutMs: number;
  /** Takes the commands that wait for replicas, also while this client is not connected. */
  readonly byLanes?: (command: SentCommand) => void;
}

/** The client of one server: its commands wait until it is ready, and fail with the attempt to connect. */
export class OnePrimaryClient implements Client {
  readonly #options: OnePrimaryClientOptions;
  readonly #problems = new Problems();
  readonly #connection: PrimaryConnection;
  #waiting: SentCommand[] = [];
  #isReady = false;
  #isOver = false;

  constructor(options: OnePrimaryClientOptions) {
    this.#options = options;
    const { network, from, servers, timeoutMs } = options;
    this.#connection = new PrimaryConnection({
      ...{ network, from, servers, silenceMs: timeoutMs, sentinelMs: timeoutMs, queues: true },
      onReady: () => this.#becomeReady(),
      onLost: (error) => this.#lost(error),
    });
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  problemOf(): Error | undefined {
    return this.#problems.of(NEVER_SENT.node);
  }

  send(command: SentCommand): void {
    const { byLanes } = this.#options;
    if (this.#isOver) command.refuse(new Error(CLOSED));
    else if (byLanes !== undefined && command.wantsAcks) {
      command.sent = this.#connection.current?.queuedRecord ?? NEVER_SENT;
      byLanes(command);
    } else if (this.#isReady) this.#connection.send(command);
    else this.#waiting.push(command);
  }

  close(): void {
    this.#isOver = true;
    this.#connection.close();
    for (const command of this.#waiting.splice(0)) command.refuse(new Error(CLOSED));
  }

  #becomeReady(): void {
    this.#isReady = true;
    this.#problems.end();
    this.#options.onReady();
    for (const command of this.#waiting.splice(0)) this.#connection.send(command);
  }

  #lost(error: Error | undefined): void {
    this.#problems.begin(error);
    this.#isReady = false;
    if (this.#isOver) return;
    this.#options.onClose();
    for (const command of this.#waiting.splice(0)) command.refuse(new Error(CLOSED));
  }
}
