import type { End, Network, Place } from '../network.ts';
import type { ScriptEngine } from '../scripts/engine.ts';
import type { Effect, Store } from '../scripts/store.ts';
import { Clients, mayWrite, type ServerForClients } from './clients.ts';
import type { Answer, Command, ScriptCommand, SlotsView } from './messages.ts';
import type { ServerProcess } from './process.ts';
import { ReplicationLog } from './replication/log.ts';
import type { FromReplica, ToReplica } from './replication/messages.ts';
import { type Replica, Replicas, type ReplicasOptions } from './replication/replicas.ts';
import { Upstream } from './replication/upstream.ts';

/** What a cluster adds to a server. Without it the server answers every key. */
export interface ClusterRules {
  /** The error instead of running a script on its keys: MOVED or CLUSTERDOWN. */
  refuse(command: ScriptCommand): string | undefined;
  slots(): readonly SlotsView[];
}

export interface ServerOptions extends Pick<ReplicasOptions, 'minReplicas'> {
  readonly network: Network;
  readonly engine: ScriptEngine;
  readonly process: ServerProcess;
  readonly place: Place & { readonly node: string };
  /** Its clock, microseconds since 1970. */
  readonly clockUs: () => number;
  readonly data: Store;
  /** A number in [0, 1): ids and the phase of its timers. */
  readonly random: () => number;
  /** The node it is a replica of. */
  readonly replicaOf: string | undefined;
  /** Called for each script that it runs, and each WAIT. */
  readonly onCall?: () => void;
}

const SECOND_US = 1_000_000;
/** The active expiry cycle: so often it looks at so many keys. */
const EXPIRY_US = 100_000;
const EXPIRY_KEYS = 20;

/**
 * The data side of one server process: scripts, replication as primary or replica, WAIT. Commands take no time. Left
 * out: MULTI, scripts that run long, limits of memory.
 */
export class Server implements ServerForClients {
  readonly #options: ServerOptions;
  readonly #log: ReplicationLog;
  readonly #replicas: Replicas;
  readonly #clients: Clients;
  readonly #listening: { close(): void };
  #data: Store;
  #upstream: Upstream | undefined;
  /** Set by a cluster node before any connection opens. */
  rules: ClusterRules | undefined;

  constructor(options: ServerOptions) {
    const { network, place, process, random, data, clockUs } = options;
    this.#options = options;
    this.#data = data;
    this.#log = new ReplicationLog(replicationId(random));
    this.#replicas = new Replicas({
      ...{ log: this.#log, process, data: () => this.#data, clockS: () => Math.floor(clockUs() / SECOND_US) },
      ...(options.minReplicas && { minReplicas: options.minReplicas }),
    });
    this.#clients = new Clients(this);
    this.#listening = network.listen<Answer | ToReplica, Command | FromReplica>(
      { node: place.node, port: 'data' },
      (end) => this.#clients.accept(end, process),
    );
    if (options.replicaOf !== undefined) this.replicate(options.replicaOf);
    process.every(SECOND_US, Math.floor(random() * SECOND_US), () => this.#cron());
    process.every(EXPIRY_US, Math.floor(random() * EXPIRY_US), () => this.#deleteExpired());
  }

  get data(): Store {
    return this.#data;
  }

  get primary(): string | undefined {
    return this.#upstream?.primary;
  }

  /** The replication offset, bytes. */
  get offset(): number {
    return this.#log.offset;
  }

  get replicationId(): string {
    return this.#log.id;
  }

  /** Of a replica: whether its link is up. */
  get isLinked(): boolean {
    return this.#upstream?.isLinked === true;
  }

  /** Of a replica: whole seconds since it last heard its primary. */
  get ageS(): number {
    return this.#upstream?.ageS ?? 0;
  }

  get onlineReplicas(): readonly string[] {
    return this.#replicas.online;
  }

  get wasCopied(): boolean {
    return this.#replicas.wasCopied;
  }

  /** Becomes a replica of this node, or changes to it. Waiting clients are answered UNBLOCKED and disconnected. */
  replicate(node: string): void {
    const { network, process, place, clockUs } = this.#options;
    this.#upstream?.stop();
    this.#replicas.abandon();
    this.#upstream = new Upstream(node, {
      ...{ network, process, place, log: this.#log },
      clockS: () => Math.floor(clockUs() / SECOND_US),
      apply: (effect) => this.#data.apply(effect),
      load: (data) => {
        this.#data = data;
      },
    });
    this.#clients.unblock();
  }

  /** Becomes a primary with the data that it has. */
  promote(): void {
    if (this.#upstream === undefined) return;
    this.#upstream.stop();
    this.#upstream = undefined;
    this.#replicas.abandon();
    this.#log.begin(replicationId(this.#options.random));
  }

  /** Scripts that may write wait while it is true: an ordered failover. */
  set holdsWrites(isHeld: boolean) {
    this.#clients.holdsWrites = isHeld;
    this.#replicas.isHeld = isHeld;
  }

  /** CLIENT KILL TYPE normal: Sentinels order it when they change the role of a node. */
  disconnectClients(): void {
    this.#clients.disconnect();
  }

  /** Ends its sockets; its process has ended or ends now. */
  close(): void {
    this.#listening.close();
    this.#options.network.resetFrom(this.#options.place.node);
  }

  /** MIGRATE: deletes these keys here; the result makes them elsewhere. */
  giveKeys(isMeant: (key: string) => boolean): Effect[] {
    const writes = this.#data.writesOf(isMeant);
    for (const key of new Set(writes.map((write) => write.key))) this.#data.write({ type: 'delete', key });
    this.#feed();
    return writes;
  }

  takeKeys(writes: readonly Effect[]): void {
    for (const write of writes) this.#data.write(write);
    this.#feed();
  }

  /** Written out: spreads of objects would cost as much as the network. */
  run(command: ScriptCommand): Answer {
    const refusal = this.rules?.refuse(command) ?? this.#tooFewReplicas(command);
    if (refusal !== undefined) return { error: refusal };
    this.#options.onCall?.();
    const { script, keys, args, onReplica = false } = command;
    const result = this.#options.engine.run(script, keys, args, {
      store: this.#data,
      clockUs: this.#options.clockUs(),
      replicationId: this.#log.id,
      isReplica: this.#upstream !== undefined,
      readOnly: onReplica,
    });
    this.#feed();
    return result;
  }

  /** `offset` is that of the connection's last write. */
  wait(
    { replicas, timeoutMs, offset }: { replicas: number; timeoutMs: number; offset: number },
    done: (answer: Answer) => void,
  ): void {
    this.#options.onCall?.();
    if (this.#upstream !== undefined) done({ error: 'ERR WAIT cannot be used with replica instances.' });
    else this.#replicas.wait({ offset, replicas, timeoutMs }, (count) => done({ values: [count] }));
  }

  slots(): Answer {
    return this.rules === undefined
      ? { error: 'ERR This instance has cluster support disabled' }
      : { slots: this.rules.slots() };
  }

  /** PSYNC, or a copy if `from` is not given. A replica has no replicas of its own here: it refuses until it is promoted. */
  attach(
    node: string,
    end: End<ToReplica>,
    from: { id: string; offset: number } | undefined,
  ): Replica | 'must copy' | undefined {
    return this.#upstream === undefined ? this.#replicas.attach(node, end, from) : undefined;
  }

  acknowledge(replica: Replica, offset: number): void {
    this.#replicas.acknowledge(replica, offset);
  }

  detach(replica: Replica): void {
    this.#replicas.detach(replica);
  }

  #tooFewReplicas(command: Command): string | undefined {
    if (!this.#replicas.areTooFew || this.#upstream !== undefined || !mayWrite(command)) return undefined;
    return 'NOREPLICAS Not enough good replicas to write.';
  }

  #feed(): void {
    const effects = this.#data.takeEffects();
    if (effects.length > 0) this.#replicas.feed(effects);
  }

  #deleteExpired(): void {
    if (this.#upstream !== undefined || this.#clients.holdsWrites) return;
    this.#data.deleteExpired(Math.floor(this.#options.clockUs() / 1_000), EXPIRY_KEYS);
    this.#feed();
  }

  #cron(): void {
    this.#upstream?.cron();
    this.#replicas.cron(this.#upstream === undefined);
  }
}

/** 40 hexadecimal digits. */
function replicationId(random: () => number): string {
  return Array.from({ length: 40 }, () => '0123456789abcdef'[Math.floor(random() * 16)]).join('');
}
