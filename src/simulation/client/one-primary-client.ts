import type { Timer } from '../../core/time.ts';
import { backoff } from '../../limiter/redis/command-timeout.ts';
import type { Network, Place } from '../network.ts';
import { askOnce } from './ask-once.ts';
import type { Client, ClientEvents } from './client.ts';
import { NodeConnection } from './node-connection.ts';
import { Problems } from './problems.ts';
import { CLOSED, ReplyError, type SentCommand } from './sent-command.ts';
import { SentinelNews } from './sentinel-news.ts';

export interface OnePrimaryClientOptions extends ClientEvents {
  readonly network: Network;
  readonly from: Place;
  /** The server; or Sentinels, which are asked for it in this order before each attempt. */
  readonly servers: { readonly node: string } | { readonly sentinels: readonly string[] };
  readonly timeoutMs: number;
  /** Takes the commands that wait for replicas. */
  readonly byLanes?: (node: string, command: SentCommand) => void;
}

/**
 * A `Redis` of ioredis with the limiter's options: a connection to one server, which is opened again when it ends. By
 * Sentinels it connects to the server that they name, if that says it is a primary, and leaves one that was demoted, or that
 * another is said to have replaced.
 */
export class OnePrimaryClient implements Client {
  readonly #options: OnePrimaryClientOptions;
  readonly #problems = new Problems();
  readonly #news: SentinelNews | undefined;
  #connection: NodeConnection | undefined;
  #waiting: SentCommand[] = [];
  #isReady = false;
  #isOver = false;
  #attempts = 0;
  #pause: Timer | undefined;

  constructor(options: OnePrimaryClientOptions) {
    this.#options = options;
    const { network, from, servers } = options;
    if ('sentinels' in servers)
      this.#news = new SentinelNews({
        ...{ network, from, sentinels: servers.sentinels },
        onSwitch: (primary) => {
          if (this.#connection?.node !== primary) this.#connection?.close();
        },
      });
    this.#find();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  problemOf(): Error | undefined {
    return this.#problems.of(this.#connection?.node ?? '') ?? this.#problems.of('no node');
  }

  send(command: SentCommand): void {
    command.redirect = this.#leaveDemoted;
    if (this.#isOver) command.refuse(new Error(CLOSED));
    else if (this.#isReady) this.#write(command);
    else this.#waiting.push(command);
  }

  close(): void {
    this.#isOver = true;
    this.#pause?.cancel();
    this.#news?.close();
    this.#connection?.close();
    for (const command of this.#waiting.splice(0)) command.refuse(new Error(CLOSED));
  }

  #find(): void {
    const { servers } = this.#options;
    if ('node' in servers) this.#connect(servers.node);
    else this.#ask(servers.sentinels);
  }

  #ask([sentinel, ...others]: readonly string[], lastError?: Error): void {
    if (this.#isOver) return;
    if (sentinel === undefined) {
      this.#lost(lastError ?? new Error('All sentinels are unreachable.'));
      return;
    }
    const { network, from, timeoutMs } = this.#options;
    askOnce({ network, from, node: sentinel, withinMs: timeoutMs }, { name: 'primary' }, (answer) => {
      if (answer instanceof Error) this.#ask(others, answer);
      else if ('primary' in answer) this.#connect(answer.primary);
      else this.#ask(others, new Error('error' in answer ? answer.error : 'no primary'));
    });
  }

  #connect(node: string): void {
    if (this.#isOver) return;
    const { network, from, timeoutMs, servers } = this.#options;
    const connection = new NodeConnection({
      ...{ network, from, node, silenceMs: timeoutMs, queues: true },
      onReady: () => ('node' in servers ? this.#becomeReady() : this.#checkRole(connection)),
      onEnd: (error) => this.#lost(error),
    });
    this.#connection = connection;
  }

  /** A Sentinel may name a primary that was demoted. */
  #checkRole(connection: NodeConnection): void {
    connection.write({
      command: { name: 'role' },
      answered: (answer) => {
        if ('role' in answer && answer.role === 'primary') this.#becomeReady();
        else connection.close();
      },
      refuse: () => {},
    });
  }

  #becomeReady(): void {
    this.#isReady = true;
    this.#attempts = 0;
    this.#problems.end();
    this.#options.onReady();
    for (const command of this.#waiting.splice(0)) this.#write(command);
  }

  #write(command: SentCommand): void {
    const { byLanes } = this.#options;
    const connection = this.#connection;
    if (command.isSettled || connection === undefined) return;
    if (byLanes === undefined || !command.wantsAcks) return void connection.send(command);
    command.sent = connection.queuedRecord;
    byLanes(connection.node, command);
  }

  #lost(error: Error | undefined): void {
    this.#problems.begin(error);
    this.#isReady = false;
    this.#connection = undefined;
    if (this.#isOver) return;
    this.#options.onClose();
    for (const command of this.#waiting.splice(0)) command.refuse(new Error(CLOSED));
    const { time } = this.#options.network;
    this.#pause = time.after(backoff(++this.#attempts) * 1_000, () => this.#find());
  }

  readonly #leaveDemoted = (_command: SentCommand, error: Error): boolean => {
    const isDemoted = error instanceof ReplyError && /^(READONLY|MASTERDOWN) /.test(error.message);
    if (isDemoted && 'sentinels' in this.#options.servers) this.#connection?.close();
    return false;
  };
}
