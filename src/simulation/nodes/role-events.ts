import type { NodeRole, RoleEvent } from '../../regions/cluster/role-watch.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** A stopped node counts as down after so long without an answer. */
const SILENT_US = 500_000;
/** `watchRoles` asks each node so often. */
const POLL_US = 50_000;
/** Slots move one by one: they are reported once they rest for so long. */
const REST_US = POLL_US;
export const DOWN: NodeRole = { role: 'down', slots: '' };

/** A node of any topology whose roles are watched. */
export interface WatchedNode {
  readonly name: string;
  /** Its process, if one runs. */
  readonly running:
    | {
        readonly id: string;
        readonly hadNoData: boolean;
        readonly isPaused: boolean;
        readonly server: { readonly wasCopied: boolean };
      }
    | undefined;
  /** As the node itself sees it; `down` if it does not run. */
  readonly role: NodeRole;
  /** Whether it runs and answers scripts, as far as its role lets it. */
  readonly serves: boolean;
}

interface Restart {
  readonly runId: string;
  readonly previousRunId: string;
  readonly atUs: number;
  readonly hasNothing: boolean;
  /** By a replica. */
  wasCopied: boolean;
}

interface Seen {
  role: NodeRole;
  runId: string | undefined;
  restart: Restart | undefined;
}

/** Reports role changes and restarts as `watchRoles` does of real nodes: as each node is every 50 ms. */
export class RoleEvents {
  readonly #time: VirtualTime;
  readonly #onEvent: (event: RoleEvent) => void;
  readonly #seen = new Map<string, Seen>();
  /** The nodes that the next poll looks at. */
  readonly #polled = new Set<string>();

  constructor(time: VirtualTime, onEvent: (event: RoleEvent) => void) {
    this.#time = time;
    this.#onEvent = onEvent;
  }

  current(): ReadonlyMap<string, NodeRole> {
    return new Map([...this.#seen].map(([name, { role }]) => [name, role]));
  }

  /** A node may have changed: it is looked at with the next poll. The first look is at once, and not reported. */
  look(node: WatchedNode): void {
    if (!this.#seen.has(node.name)) this.#poll(node);
    else if (!this.#polled.has(node.name)) {
      this.#polled.add(node.name);
      this.#time.at((Math.floor(this.#time.nowUs / POLL_US) + 1) * POLL_US, () => {
        this.#polled.delete(node.name);
        this.#poll(node);
      });
    }
  }

  #poll(node: WatchedNode): void {
    const { running } = node;
    if (running?.isPaused) {
      this.#time.after(SILENT_US, () => {
        if (node.running?.id === running.id && node.running.isPaused) this.#note(node, DOWN);
      });
      return;
    }
    this.#noteAtRest(node);
    if (running !== undefined) this.#noteProcess(node);
  }

  /** Reports restarts that are not decided yet: the run ends. */
  end(): void {
    for (const [name, seen] of this.#seen) this.#decide(name, seen, seen.role.role === 'primary');
  }

  #noteAtRest(node: WatchedNode): void {
    const { role } = node;
    const seen = this.#seen.get(node.name)?.role;
    if (seen === undefined || seen.role !== role.role) this.#note(node, role);
    else if (seen.slots !== role.slots)
      this.#time.after(REST_US, () => {
        if (node.role.role === role.role && node.role.slots === role.slots) this.#note(node, role);
      });
  }

  #note({ name }: WatchedNode, role: NodeRole): void {
    const seen = this.#seen.get(name);
    if (seen === undefined) {
      this.#seen.set(name, { role, runId: undefined, restart: undefined });
      return;
    }
    const before = seen.role;
    if (before.role === role.role && before.slots === role.slots) return;
    seen.role = role;
    const change = { from: before.role, to: role.role, slots: role.slots };
    this.#onEvent({ event: 'role', node: name, atUs: this.#time.nowUs, ...change });
  }

  #noteProcess(node: WatchedNode): void {
    const { running, name } = node;
    const seen = this.#seen.get(name);
    if (running === undefined || seen === undefined) return;
    const previousRunId = seen.runId;
    seen.runId = running.id;
    if (previousRunId !== undefined && previousRunId !== running.id) {
      this.#decide(name, seen, false); // it has not served
      seen.restart = {
        ...{ runId: running.id, previousRunId, atUs: this.#time.nowUs, hasNothing: running.hadNoData },
        wasCopied: false,
      };
    }
    if (seen.restart) seen.restart.wasCopied = running.server.wasCopied;
    if (seen.role.role === 'replica') this.#decide(name, seen, false);
    else if (node.serves) this.#decide(name, seen, true);
  }

  #decide(node: string, seen: Seen, serves: boolean): void {
    if (seen.restart === undefined) return;
    const { hasNothing, wasCopied, ...restart } = seen.restart;
    seen.restart = undefined;
    this.#onEvent({ event: 'restarted', node, ...restart, isEmpty: hasNothing && (serves || wasCopied) });
  }
}
