import type { Timer } from '../../core/time.ts';
import type { SendRecord } from '../../limiter/redis/errors.ts';
import { Fifo } from '../fifo.ts';
import type { End, Network, Place } from '../network.ts';
import type { Answer, Command } from '../nodes/messages.ts';
import { CLOSED, type InFlightCommand, type SentCommand } from './sent-command.ts';

export interface NodeConnectionOptions {
  readonly network: Network;
  readonly from: Place;
  readonly node: string;
  /** A connection that is silent for so long while a reply is due is closed; also during the handshake. */
  readonly silenceMs: number;
  /** Whether commands wait until it is ready. */
  readonly queues: boolean;
  readonly onReady?: () => void;
  /** Once, with the reason if there is one beyond the close. */
  readonly onEnd: (error: Error | undefined) => void;
}

/** The default `connectTimeout` of ioredis. */
const CONNECT_MS = 10_000;
/** ioredis asks a server that loads its data again after so long. */
const LOADING_MS = 1_000;
/** About what a take has on the wire; only a limit of bandwidth sees it. */
const COMMAND_BYTES = 300;

/**
 * A `Redis` of ioredis with the limiter's options, to one node: it connects, names itself, reads whether the node is loading,
 * then writes commands in order. It never reconnects. Left out: TLS, AUTH, and writes that are gathered in one packet.
 */
export class NodeConnection {
  readonly node: string;
  readonly #options: NodeConnectionOptions;
  readonly #queue = new Fifo<SentCommand>();
  readonly #inFlight = new Fifo<InFlightCommand>();
  readonly #queued: SendRecord;
  readonly #written: SendRecord;
  readonly #opening: { close(): void };
  readonly #connecting: Timer;
  #status: 'connecting' | 'ready' | 'ended' = 'connecting';
  #end: End<Command> | undefined;
  #silence: Timer | undefined;
  /** When it has been silent for too long; undefined if no reply is due. */
  #silentUs: number | undefined;

  constructor(options: NodeConnectionOptions) {
    const { network, from, node } = options;
    this.#options = options;
    this.node = node;
    this.#queued = { written: false, node };
    this.#written = { written: true, node };
    this.#connecting = network.time.after(CONNECT_MS * 1_000, () =>
      this.#over(new Error('connect ETIMEDOUT')),
    );
    this.#opening = network.connect<Command, Answer>(
      from,
      { node, port: 'data' },
      {
        opened: (end) => this.#opened(end),
        message: (answer) => this.#answered(answer),
        closed: () =>
          this.#over(this.#end === undefined ? new Error(`connect ECONNREFUSED ${node}`) : undefined),
      },
    );
  }

  get isReady(): boolean {
    return this.#status === 'ready';
  }

  get hasEnded(): boolean {
    return this.#status === 'ended';
  }

  /** Writes a command, or keeps it until the connection is ready. */
  send(command: SentCommand): void {
    if (command.isSettled) return;
    command.sent = this.isReady ? this.#written : this.#queued;
    if (this.isReady) this.write(command);
    else if (this.hasEnded || !this.#options.queues) command.refuse(new Error(CLOSED));
    else this.#queue.push(command);
  }

  /** Writes at once what is no command of a limiter. */
  write(command: InFlightCommand): void {
    this.#inFlight.push(command);
    this.#end?.send(command.command, COMMAND_BYTES);
    if (this.#silentUs === undefined) this.#expect();
  }

  /** Ends it; a command whose limiter named it as the node keeps that record. */
  close(): void {
    this.#over(undefined);
  }

  /** The record of a command that waits for a lane of this node. */
  get queuedRecord(): SendRecord {
    return this.#queued;
  }

  #opened(end: End<Command>): void {
    this.#connecting.cancel();
    this.#end = end;
    this.#ping(() => this.#ping((answer) => this.#checked(answer)));
  }

  #ping(answered: (answer: Answer) => void): void {
    this.write({ command: { name: 'ping' }, answered, refuse: () => {} });
  }

  #checked(answer: Answer): void {
    const again = () => {
      if (!this.hasEnded) this.#ping((next) => this.#checked(next));
    };
    if ('error' in answer) this.#options.network.time.after(LOADING_MS * 1_000, again);
    else this.#becomeReady();
  }

  #becomeReady(): void {
    this.#status = 'ready';
    this.#options.onReady?.();
    for (const command of this.#queue.takeAll()) this.send(command);
  }

  #answered(answer: Answer): void {
    const command = this.#inFlight.shift();
    this.#silentUs = undefined;
    command?.answered(answer);
    if (!this.#inFlight.isEmpty) this.#expect();
  }

  #expect(): void {
    const { network, silenceMs } = this.#options;
    this.#silentUs = network.time.nowUs + silenceMs * 1_000;
    this.#silence ??= network.time.at(this.#silentUs, this.#listen);
  }

  /** One timer follows the replies, which are many. */
  readonly #listen = (): void => {
    const { time } = this.#options.network;
    this.#silence = undefined;
    const dueUs = this.#silentUs;
    if (this.hasEnded || dueUs === undefined) return;
    if (dueUs > time.nowUs) this.#silence = time.at(dueUs, this.#listen);
    else
      this.#over(
        new Error(`Socket timeout. Expecting data, but didn't receive any in ${this.#options.silenceMs}ms.`),
      );
  };

  #over(error: Error | undefined): void {
    if (this.hasEnded) return;
    this.#status = 'ended';
    this.#connecting.cancel();
    this.#silence?.cancel();
    this.#opening.close();
    this.#options.onEnd(error);
    for (const command of [...this.#queue.takeAll(), ...this.#inFlight.takeAll()])
      command.refuse(new Error(CLOSED));
  }
}
