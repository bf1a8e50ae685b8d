import type { End, Network, Place, Port } from '../network.ts';
import type { ServerProcess } from '../nodes/process.ts';
import type { FromSentinel, ToSentinel } from './messages.ts';
import { PERIODS } from './periods.ts';

/** A connection whose PINGs have no answer for half of the time after which a node is down is closed after so long. */
const LEAST_CONNECTED_MS = 15_000;

export interface LinkOptions {
  readonly network: Network;
  readonly process: ServerProcess;
  readonly from: Place;
  readonly to: Port;
  readonly nowMs: () => number;
  readonly hear: (message: ToSentinel) => void;
}

/**
 * The connection of a Sentinel to a node or to another Sentinel, which stands for its two of commands and of messages. It
 * is opened again, at most once in a ping period. Times are milliseconds.
 */
export class Link {
  readonly #options: LinkOptions;
  #connection: { close(): void } | undefined;
  #end: End<FromSentinel> | undefined;
  #waiting: FromSentinel[] = [];
  #triedMs = Number.NEGATIVE_INFINITY;
  #connectedMs = 0;
  #pingedMs = Number.NEGATIVE_INFINITY;
  #pongMs: number;
  /** When the oldest PING without a valid answer was sent; at first now, so that a node that never answers is down. */
  #unansweredMs: number | undefined;
  /** When it last answered a PING. */
  availableMs: number;

  constructor(options: LinkOptions) {
    this.#options = options;
    const nowMs = options.nowMs();
    [this.#pongMs, this.#unansweredMs, this.availableMs] = [nowMs, nowMs, nowMs];
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** For how long it has not answered. */
  get silentMs(): number {
    const nowMs = this.#options.nowMs();
    if (this.#unansweredMs !== undefined) return nowMs - this.#unansweredMs;
    return this.isConnected ? 0 : nowMs - this.availableMs;
  }

  /** Connects if it must, and pings if it is time. Given: after how long without an answer a node is down. */
  keepUp(downAfterMs: number): void {
    const nowMs = this.#options.nowMs();
    if (!this.isConnected && nowMs - this.#triedMs >= PERIODS.pingMs) this.#connect();
    if (!this.isConnected) return;
    const pingMs = Math.min(downAfterMs, PERIODS.pingMs);
    if (nowMs - this.#pongMs > pingMs && nowMs - this.#pingedMs > pingMs / 2) this.#ping();
  }

  /** Closes a connection that is perhaps broken: without an answer for half of the time until a node is down. */
  dropIfSilent(downAfterMs: number): void {
    const nowMs = this.#options.nowMs();
    if (!this.isConnected || nowMs - this.#connectedMs <= LEAST_CONNECTED_MS) return;
    const isSilent = this.#unansweredMs !== undefined && nowMs - this.#unansweredMs > downAfterMs / 2;
    if (isSilent && nowMs - this.#pongMs > downAfterMs / 2) this.close();
  }

  send(message: FromSentinel): void {
    if (this.#end === undefined) this.#waiting.push(message);
    else this.#end.send(message, BYTES[message.name]);
  }

  close(): void {
    const connection = this.#connection;
    this.#lose();
    connection?.close();
  }

  #connect(): void {
    const { network, process, from, to, nowMs } = this.#options;
    this.#triedMs = nowMs();
    this.#connectedMs = nowMs();
    const socket = process.socket();
    const isCurrent = () => this.#connection === connection;
    const connection: { close(): void } = network.connect<FromSentinel, ToSentinel>(from, to, {
      opened: (end) => socket.run(() => isCurrent() && this.#open(end)),
      message: (message) => socket.run(() => isCurrent() && this.#hear(message)),
      closed: () => socket.run(() => isCurrent() && this.#lose()),
    });
    this.#connection = connection;
    this.#ping();
  }

  #open(end: End<FromSentinel>): void {
    this.#end = end;
    for (const message of this.#waiting.splice(0)) this.send(message);
  }

  #ping(): void {
    const nowMs = this.#options.nowMs();
    this.#pingedMs = nowMs;
    this.#unansweredMs ??= nowMs;
    this.send({ name: 'ping' });
  }

  #hear(message: ToSentinel): void {
    if ('reply' in message) {
      const nowMs = this.#options.nowMs();
      [this.#pongMs, this.availableMs, this.#unansweredMs] = [nowMs, nowMs, undefined];
    } else this.#options.hear(message);
  }

  #lose(): void {
    this.#connection = undefined;
    this.#end = undefined;
    this.#waiting = [];
  }
}

const BYTES = { ping: 14, info: 14, replicaof: 150, hello: 150, 'is-down': 150 } as const;
