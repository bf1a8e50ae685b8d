import type { Timer } from '../../core/time.ts';
import { backoff } from '../../limiter/redis/command-timeout.ts';
import { askOnce } from './ask-once.ts';
import { NodeConnection, type NodeConnectionOptions } from './node-connection.ts';
import { CLOSED, ReplyError, type SentCommand } from './sent-command.ts';
import { SentinelNews } from './sentinel-news.ts';

/** One server; or Sentinels, which are asked for the primary in this order before each attempt. */
export type Servers = { readonly node: string } | { readonly sentinels: readonly string[] };

export interface PrimaryConnectionOptions extends Omit<NodeConnectionOptions, 'node' | 'onEnd' | 'onReady'> {
  readonly servers: Servers;
  /** The time that a Sentinel has to answer. */
  readonly sentinelMs: number;
  readonly onReady: () => void;
  /** It is not connected any more, or could not connect; it tries again a little later. */
  readonly onLost: (error: Error | undefined) => void;
}

/**
 * A `Redis` of ioredis with the limiter's options: a connection to one server, which is opened again when it ends. By
 * Sentinels it connects to the server that they name, if that says it is a primary, and leaves one that was demoted, or that
 * another is said to have replaced.
 */
export class PrimaryConnection {
  readonly #options: PrimaryConnectionOptions;
  readonly #news: SentinelNews | undefined;
  #current: NodeConnection | undefined;
  #attempts = 0;
  #pending: Timer | undefined;
  #isClosed = false;

  constructor(options: PrimaryConnectionOptions) {
    this.#options = options;
    const { network, from, servers } = options;
    if ('sentinels' in servers)
      this.#news = new SentinelNews({
        ...{ network, from, sentinels: servers.sentinels },
        onSwitch: (primary) => {
          if (this.#current?.node !== primary) this.#current?.close();
        },
      });
    this.#find();
  }

  /** Undefined during a pause, and while Sentinels are asked. */
  get current(): NodeConnection | undefined {
    return this.#current;
  }

  send(command: SentCommand): void {
    const connection = this.#current;
    if ('sentinels' in this.#options.servers) command.redirect = this.#leaveDemoted;
    if (connection === undefined) command.refuse(new Error(CLOSED));
    else connection.send(command);
  }

  close(): void {
    this.#isClosed = true;
    this.#pending?.cancel();
    this.#news?.close();
    this.#current?.close();
  }

  #find(): void {
    const { servers } = this.#options;
    if ('node' in servers) this.#connect(servers.node);
    else this.#ask(servers.sentinels);
  }

  #ask([sentinel, ...others]: readonly string[], lastError?: Error): void {
    if (sentinel === undefined) {
      this.#lost(lastError ?? new Error('All sentinels are unreachable.'));
      return;
    }
    const { network, from, sentinelMs } = this.#options;
    const asked = { network, from, node: sentinel, withinMs: sentinelMs };
    this.#pending = askOnce(asked, { name: 'primary' }, (answer) => {
      if (answer instanceof Error) this.#ask(others, answer);
      else if ('primary' in answer) this.#connect(answer.primary);
      else this.#ask(others, new Error('error' in answer ? answer.error : 'no primary'));
    });
  }

  #connect(node: string): void {
    const connection = new NodeConnection({
      ...this.#options,
      node,
      onReady: () => {
        if ('node' in this.#options.servers) this.#becomeReady();
        else this.#checkRole(connection);
      },
      onEnd: (error) => this.#lost(error),
    });
    this.#current = connection;
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
    this.#attempts = 0;
    this.#options.onReady();
  }

  #lost(error: Error | undefined): void {
    const { onLost, network } = this.#options;
    this.#current = undefined;
    onLost(error);
    if (this.#isClosed) return;
    this.#pending = network.time.after(backoff(++this.#attempts) * 1_000, () => this.#find());
  }

  readonly #leaveDemoted = (_command: SentCommand, error: Error): boolean => {
    if (error instanceof ReplyError && /^(READONLY|MASTERDOWN) /.test(error.message)) this.#current?.close();
    return false;
  };
}
