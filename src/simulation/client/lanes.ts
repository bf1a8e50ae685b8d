import { AckLanes, type Lane, type LaneEvents } from '../../limiter/redis/ack-lanes.ts';
import type { AckOptions } from '../../limiter/redis/port.ts';
import type { Network, Place } from '../network.ts';
import type { ProcessTime } from '../virtual-time.ts';
import { PrimaryConnection, type Servers } from './primary-connection.ts';
import { CLOSED, type SentCommand } from './sent-command.ts';

const LEAST_BETWEEN_LOOKS_US = 250_000;

export interface LanesOptions {
  readonly network: Network;
  readonly time: ProcessTime;
  readonly from: Place;
  readonly timeoutMs: number;
  readonly acks: Required<AckOptions>;
  /** Behind Sentinels: each lane follows the primary that they name. Default: a lane stays at its node. */
  readonly servers?: Servers;
  /** Reads the slots again: the client's own connection to a node may not notice that it is gone. */
  readonly lookForPrimaries: () => void;
}

/** The lanes to each node of a client, in addition to its own connection: those of the real client, over this network. */
export class SimulatedLanes {
  readonly #options: LanesOptions;
  readonly #ofNode = new Map<string, AckLanes<SentCommand>>();
  readonly #retired = new Set<AckLanes<SentCommand>>();
  #lookedUs = Number.NEGATIVE_INFINITY;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  readonly send = (node: string, command: SentCommand): void => {
    (this.#ofNode.get(node) ?? this.#open(node)).send(command);
  };

  /** The client has left this node. */
  readonly leave = (node: string): void => {
    const lanes = this.#ofNode.get(node);
    if (lanes === undefined) return;
    this.#ofNode.delete(node);
    this.#retired.add(lanes);
    lanes.retire(() => this.#retired.delete(lanes));
  };

  close(): void {
    for (const lanes of [...this.#ofNode.values(), ...this.#retired]) lanes.close();
    this.#ofNode.clear();
    this.#retired.clear();
  }

  #open(node: string): AckLanes<SentCommand> {
    const { timeoutMs, acks, time } = this.#options;
    const lanes = new AckLanes<SentCommand>({
      ...{ node, replicas: acks.replicas, timeoutMs, count: acks.lanes, time },
      open: (events) => this.#openLane(node, events),
      onStuck: () => this.#look(),
    });
    this.#ofNode.set(node, lanes);
    return lanes;
  }

  #look(): void {
    const { nowUs } = this.#options.network.time;
    if (nowUs - this.#lookedUs < LEAST_BETWEEN_LOOKS_US) return;
    this.#lookedUs = nowUs;
    this.#options.lookForPrimaries();
  }

  #openLane(node: string, { onReady, onLost }: LaneEvents): Lane<SentCommand> {
    const { network, from, timeoutMs, servers = { node } } = this.#options;
    const connection = new PrimaryConnection({
      ...{ network, from, servers, sentinelMs: timeoutMs, queues: false, onReady },
      silenceMs: 2 * timeoutMs, // the reply of a WAIT that timed out must still arrive
      onLost: (error) => {
        network.time.wake();
        onLost(error ?? new Error(CLOSED));
      },
    });
    return {
      write: (command) => connection.send(command),
      wait: (replicas, waitMs) =>
        new Promise((resolve, reject) => {
          const refuse = (error: Error) => {
            network.time.wake();
            reject(error);
          };
          const answered = (answer: object) => {
            network.time.wake();
            const [count] = 'values' in answer ? (answer.values as number[]) : [];
            if (count === undefined) reject(new Error('error' in answer ? String(answer.error) : CLOSED));
            else resolve(count);
          };
          const command = { name: 'wait', replicas, timeoutMs: waitMs } as const;
          if (connection.current === undefined) refuse(new Error(CLOSED));
          else connection.current.write({ command, answered, refuse });
        }),
      close: () => connection.close(),
    };
  }
}
