import type { Random } from '../../core/prng.ts';
import type { Timer } from '../../core/time.ts';
import { backoff } from '../../limiter/redis/command-timeout.ts';
import type { Network, Place } from '../network.ts';
import type { SlotsView } from '../nodes/messages.ts';
import { askOnce } from './ask-once.ts';
import type { Client, ClientEvents } from './client.ts';
import { NodeConnection } from './node-connection.ts';
import { Problems } from './problems.ts';
import { CLOSED, ReplyError, type SentCommand } from './sent-command.ts';
import { SlotNodes } from './slot-nodes.ts';

export interface ClusterClientOptions extends ClientEvents {
  readonly network: Network;
  readonly from: Place;
  /** The names of the nodes that it asks first. */
  readonly seeds: readonly string[];
  readonly timeoutMs: number;
  /** Sends to replicas, as `scaleReads: 'slave'` of ioredis. */
  readonly readsReplicas: boolean;
  /** A node replied an error. */
  readonly onErrorReply?: () => void;
  readonly random: Random;
  /** Takes the commands that wait for replicas. */
  readonly byLanes?: (node: string, command: SentCommand) => void;
  /** The client has left this node. */
  readonly onLeft?: (node: string) => void;
}

interface Member {
  readonly connection: NodeConnection;
  isReplica: boolean;
}

const REFRESH_MS = 2_000;

/**
 * A `Cluster` of ioredis with the limiter's options: a connection to each node of CLUSTER SLOTS, no retries but those that
 * MOVED asks for. It forgets a node whose connection ends, and reads the slots again when it is moved, or when none is
 * left. Left out: ASK, and reading the state of the cluster before it is ready.
 */
export class ClusterClient implements Client {
  readonly #options: ClusterClientOptions;
  readonly #problems = new Problems();
  readonly #slots = new SlotNodes();
  #members = new Map<string, Member>();
  #waiting: SentCommand[] = [];
  #status: 'connecting' | 'ready' | 'closed' = 'connecting';
  #isRefreshing = false;
  #isOver = false;
  #attempts = 0;
  #reconnecting: Timer | undefined;
  #asking: Timer | undefined;

  constructor(options: ClusterClientOptions) {
    this.#options = options;
    this.#connect();
  }

  get isReady(): boolean {
    return this.#status === 'ready';
  }

  problemOf(node: string): Error | undefined {
    return this.#problems.of(node);
  }

  send(command: SentCommand): void {
    command.redirect = this.#redirect;
    this.#route(command);
  }

  close(): void {
    this.#isOver = true;
    this.#reconnecting?.cancel();
    this.#asking?.cancel();
    this.#leaveAll();
    for (const command of this.#waiting.splice(0)) command.refuse(new Error(CLOSED));
  }

  /** Reads the slots again, unless it does so already. */
  refresh(): void {
    if (this.#isRefreshing || this.#isOver) return;
    this.#isRefreshing = true;
    this.#ask(shuffled([...this.#members.keys()], this.#options.random));
  }

  #connect(): void {
    this.#status = 'connecting';
    for (const seed of this.#options.seeds) this.#join(seed, false);
    this.refresh();
  }

  #ask([node, ...others]: readonly string[], lastError?: Error): void {
    if (node === undefined) {
      this.#isRefreshing = false;
      if (this.#status === 'connecting') this.#failed(lastError);
      return;
    }
    const { network, from } = this.#options;
    this.#asking = askOnce({ network, from, node, withinMs: REFRESH_MS }, { name: 'slots' }, (answer) => {
      if (this.#status === 'closed') this.#isRefreshing = false;
      else if (answer instanceof Error) this.#ask(others, answer);
      else if ('slots' in answer) {
        this.#isRefreshing = false;
        this.#learn(answer.slots);
      } else this.#ask(others, new Error('error' in answer ? answer.error : 'no slots'));
    });
  }

  /** None of the nodes that it knew has answered. */
  #failed(error: Error | undefined): void {
    this.#problems.begin(error);
    this.#leaveAll();
    this.#drained();
  }

  #learn(views: readonly SlotsView[]): void {
    const roles = new Map<string, boolean>();
    for (const { from, to, primary, replicas } of views) {
      const nodes = [primary, ...replicas];
      this.#slots.set(from, to, nodes);
      for (const node of nodes) roles.set(node, node !== primary && (roles.get(node) ?? true));
    }
    for (const [node, { connection }] of this.#members) if (!roles.has(node)) this.#leave(node, connection);
    for (const [node, isReplica] of roles) this.#join(node, isReplica);
    this.#problems.onlyOf(new Set(roles.keys()));
    if (this.#status === 'connecting') this.#becomeReady();
  }

  #becomeReady(): void {
    this.#status = 'ready';
    this.#attempts = 0;
    this.#problems.end();
    this.#options.onReady();
    for (const command of this.#waiting.splice(0)) this.#route(command);
  }

  #join(node: string, isReplica: boolean): NodeConnection {
    const known = this.#members.get(node);
    if (known !== undefined) {
      known.isReplica = isReplica;
      return known.connection;
    }
    const { network, from, timeoutMs } = this.#options;
    const connection = new NodeConnection({
      ...{ network, from, node, silenceMs: timeoutMs, queues: true },
      onReady: () => this.#problems.end(node),
      onEnd: (error) => {
        this.#problems.begin(error, node);
        if (this.#members.get(node)?.connection !== connection) return;
        this.#leave(node, connection);
        if (this.#members.size === 0) this.#drained();
      },
    });
    this.#members.set(node, { connection, isReplica });
    return connection;
  }

  #leave(node: string, connection: NodeConnection): void {
    this.#members.delete(node);
    connection.close();
    this.#options.onLeft?.(node);
  }

  #leaveAll(): void {
    for (const [node, { connection }] of [...this.#members]) this.#leave(node, connection);
  }

  /** No node is left: it connects again by its seeds, a little later after each attempt. */
  #drained(): void {
    if (this.#isOver || this.#status === 'closed') return;
    this.#status = 'closed';
    this.#options.onClose();
    const { time } = this.#options.network;
    this.#reconnecting = time.after(backoff(++this.#attempts) * 1_000, () => this.#connect());
  }

  #route(command: SentCommand, wantsAny = false): void {
    const ofSlot = this.isReady && !wantsAny ? this.#ofSlot(command.slot) : undefined;
    const connection = ofSlot ?? (this.isReady ? this.#any() : undefined);
    const { byLanes } = this.#options;
    if (this.#isOver) command.refuse(new Error(CLOSED));
    else if (connection === undefined) this.#waiting.push(command);
    else if (byLanes === undefined || !command.wantsAcks) connection.send(command);
    else if (!command.isSettled) {
      command.sent = connection.queuedRecord;
      byLanes(connection.node, command);
    }
  }

  #ofSlot(slot: number | undefined): NodeConnection | undefined {
    const nodes = slot === undefined ? undefined : this.#slots.of(slot);
    if (nodes === undefined) return undefined;
    const { readsReplicas, random } = this.#options;
    const at = readsReplicas && nodes.length > 1 ? 1 + Math.floor(random() * (nodes.length - 1)) : 0;
    return this.#members.get(nodes[at] ?? '')?.connection;
  }

  #any(): NodeConnection | undefined {
    const { readsReplicas, random } = this.#options;
    const all = [...this.#members.values()];
    const wanted = all.filter(({ isReplica }) => isReplica === readsReplicas);
    const from = wanted.length > 0 ? wanted : all;
    return from[Math.floor(random() * from.length)]?.connection;
  }

  readonly #redirect = (command: SentCommand, error: Error): boolean => {
    if (!(error instanceof ReplyError) || this.#isOver) return false;
    this.#options.onErrorReply?.();
    const [word, slot = '', node = ''] = error.message.split(' ');
    if (word !== 'MOVED' && word !== 'TRYAGAIN') return false;
    if (--command.redirections <= 0) {
      command.redirect = undefined;
      command.refuse(new Error(`Too many Cluster redirections. Last error: ${error}`));
      return true;
    }
    if (word === 'TRYAGAIN') this.#route(command, true);
    else this.#follow(command, Number(slot), node);
    return true;
  };

  #follow(command: SentCommand, slot: number, node: string): void {
    this.#slots.set(slot, slot, [node, ...(this.#slots.of(slot)?.slice(1) ?? [])]);
    this.#join(node, false);
    this.#route(command);
    this.refresh();
  }
}

/** Fisher and Yates. */
function shuffled<T>(items: T[], random: Random): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const at = Math.floor(random() * (last + 1));
    [items[last], items[at]] = [items[at] as T, items[last] as T];
  }
  return items;
}
