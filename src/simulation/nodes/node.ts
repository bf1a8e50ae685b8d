import type { NodeRole } from '../../regions/cluster/role-watch.ts';
import { Member } from './cluster/member.ts';
import type { View } from './cluster/view.ts';
import { type Life, type LifeOptions, NodeLife } from './node-life.ts';
import { DOWN } from './role-events.ts';
import { Server, type ServerOptions } from './server.ts';

/** From the start of a server until it listens, little data included. */
const START_US = 100_000;

export interface NodeOptions extends LifeOptions {
  /** What it knows when the cluster has been formed. */
  readonly view: View;
  /** It began, ended, stopped or went on, or its role, slots or state may have changed. */
  readonly changed: (node: SimulatedNode) => void;
}

interface Running extends Life {
  readonly member: Member;
}

/** A node of a cluster. */
export class SimulatedNode extends NodeLife<Running> {
  readonly #options: NodeOptions;
  #view: View;

  constructor(options: NodeOptions) {
    super(options, START_US);
    this.#options = options;
    this.#view = options.view;
  }

  /** Its own view of itself, with slots as CLUSTER NODES prints them. */
  override get role(): NodeRole {
    const { running } = this;
    if (running === undefined) return DOWN;
    const { self, table } = running.member.view;
    if (self.isReplica) return { role: 'replica', slots: '' };
    const slots = table
      .of(self.name)
      .ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
    return { role: 'primary', slots: slots.join(' ') };
  }

  /** Whether it runs and sees its cluster as ok. */
  override get serves(): boolean {
    return this.running?.member.isOk === true;
  }

  protected override begin(options: Omit<ServerOptions, 'replicaOf'>, isFirst: boolean) {
    const { network, process, place, random } = options;
    const { nodeTimeoutMs } = this.#options.topology;
    const nowMs = () => Math.floor(this.clockUs / 1_000);
    const view = isFirst ? this.#view : this.#view.restarted(nowMs());
    const server = new Server({ ...options, replicaOf: view.self.primary?.name });
    const member = new Member({
      ...{ network, process, place, server, view, nodeTimeoutMs, isFormed: isFirst, nowMs, random },
      changed: () => this.changed(),
    });
    server.rules = member;
    return { server, member };
  }

  protected override close({ member }: Running): void {
    this.#view = member.view;
    member.close();
  }

  protected override changed(): void {
    this.#options.changed(this);
  }
}
