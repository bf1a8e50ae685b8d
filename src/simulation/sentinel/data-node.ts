import type { NodeRole } from '../../regions/cluster/role-watch.ts';
import { PRIORITY } from '../../regions/sentinel/settings.ts';
import { ALL_SLOTS } from '../../topology/topology.ts';
import type { End, Hears } from '../network.ts';
import { type Life, type LifeOptions, NodeLife } from '../nodes/node-life.ts';
import { DOWN } from '../nodes/role-events.ts';
import { Server, type ServerOptions } from '../nodes/server.ts';
import type { FromSentinel, NodeInfo, ToSentinel } from './messages.ts';

/** From the start of a server until it listens, little data included. */
const START_US = 40_000;

export interface DataNodeOptions extends LifeOptions {
  /** It began, ended, stopped or went on, or its role has changed. */
  readonly changed: (node: DataNode) => void;
}

interface Running extends Life {
  /** Of digits: the lowest of equally good replicas is promoted. */
  readonly runId: string;
  /** Connections of Sentinels. */
  readonly sentinels: Set<End<ToSentinel>>;
  readonly listening: { close(): void };
}

/** INFO says `master_link_down_since_seconds:-1` of a link that was never up. */
const NEVER_UP_MS = -1_000;

/**
 * A server without cluster mode: alone, or under the orders of Sentinels. Their connections lead to its port `bus`, and are
 * treated as those to its data port.
 */
export class DataNode extends NodeLife<Running> {
  /** `replica-priority`. */
  priority = PRIORITY;
  readonly #options: DataNodeOptions;
  /** Whom it follows, as its configuration file has it. */
  #follows: string | undefined;

  constructor(options: DataNodeOptions) {
    super(options, START_US);
    this.#options = options;
    this.#follows = options.planned.replicaOf;
  }

  override get role(): NodeRole {
    if (this.running === undefined) return DOWN;
    return this.running.server.primary === undefined
      ? { role: 'primary', slots: ALL_SLOTS }
      : { role: 'replica', slots: '' };
  }

  override get serves(): boolean {
    return this.running !== undefined;
  }

  protected override begin(options: Omit<ServerOptions, 'replicaOf'>) {
    const { network, process, random } = options;
    const server = new Server({ ...options, replicaOf: this.#follows });
    const sentinels = new Set<End<ToSentinel>>();
    const runId = String(Math.floor(random() * 1e9)).padStart(9, '0');
    const listening = network.listen<ToSentinel, FromSentinel>({ node: this.name, port: 'bus' }, (end) =>
      this.#accept(end, { process, server, sentinels, runId }),
    );
    return { server, sentinels, runId, listening };
  }

  protected override close({ listening }: Running): void {
    listening.close();
  }

  protected override changed(): void {
    this.#options.changed(this);
  }

  #accept(
    end: End<ToSentinel>,
    on: Pick<Running, 'process' | 'server' | 'sentinels' | 'runId'>,
  ): Hears<FromSentinel> {
    const { process, sentinels } = on;
    sentinels.add(end);
    const socket = process.socket();
    return {
      message: (message) => socket.run(() => sentinels.has(end) && this.#hear(message, end, on)),
      closed: () => sentinels.delete(end),
    };
  }

  #hear(
    message: FromSentinel,
    from: End<ToSentinel>,
    { server, sentinels, runId }: Pick<Running, 'server' | 'sentinels' | 'runId'>,
  ): void {
    if (message.name === 'ping') from.send({ reply: 'pong' }, 7);
    else if (message.name === 'info') from.send({ info: this.#infoOf(server, runId) }, 4_000);
    else if (message.name === 'hello') {
      for (const sentinel of sentinels) sentinel.send({ hello: message.hello }, 150);
    } else if (message.name === 'replicaof') this.#follow(message.node, from, { server, sentinels });
  }

  /** In one transaction: the new role, the configuration file, and the end of all other connections of clients. */
  #follow(
    node: string | undefined,
    from: End<ToSentinel>,
    { server, sentinels }: Pick<Running, 'server' | 'sentinels'>,
  ): void {
    if (node === undefined) server.promote();
    else if (server.primary !== node) server.replicate(node);
    this.#follows = node;
    server.disconnectClients();
    for (const other of [...sentinels]) {
      if (other === from) continue;
      sentinels.delete(other);
      other.close();
    }
    this.changed();
  }

  #infoOf(server: Server, runId: string): NodeInfo {
    const { primary, isLinked, ageS, offset } = server;
    return {
      runId,
      role: primary === undefined ? 'primary' : 'replica',
      ...(primary !== undefined && { follows: primary }),
      isLinked: primary !== undefined && isLinked,
      linkDownMs: primary === undefined || isLinked ? 0 : Number.isFinite(ageS) ? ageS * 1_000 : NEVER_UP_MS,
      ...{ offset, priority: this.priority },
    };
  }
}
