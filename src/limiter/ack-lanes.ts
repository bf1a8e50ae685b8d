import { OpenclawError } from '../core/errors.ts';

/** A command whose writes the replicas of a node are to have. */
export interface AckedCommand {
  /** Answered, or given up. */
  readonly isSettled: boolean;
  /** Resolves once the replicas have what it wrote; set when it is written, anew where it is sent on to another node. */
  acks: Promise<void> | undefined;
  /** Fails it; it was not written. */
  refuse(error: Error): void;
}

/** One connection to the node. */
export interface Lane<T> {
  /** Writes a command, and what is written in the same turn of the event loop in as few packets as can be. */
  write(command: T): void;
  /**
   * WAIT: the number of replicas that have all that this connection wrote, as soon as it is `replicas`, else after
   * `timeoutMs`. Rejects with an error reply, or when the connection is lost.
   */
  wait(replicas: number, timeoutMs: number): Promise<number>;
  close(): void;
}

/** Told by a lane's connection. */
export interface LaneEvents {
  onReady(): void;
  onLost(error: Error): void;
}

export interface AckLanesOptions<T> {
  readonly node: string;
  /** How many replicas must have a write before it counts. */
  readonly replicas: number;
  /** The time limit of a command. */
  readonly timeoutMs: number;
  /** How many lanes: while one waits for its replicas, the others take what comes. */
  readonly count: number;
  readonly open: (events: LaneEvents) => Lane<T>;
  /** Called when a command found nobody who could decide it: somebody else may by now. */
  readonly onStuck: () => void;
}

/**
 * What a lane does: `connecting`; `asking` whether the node has its replicas, before anything is written; `free`;
 * `waiting` for the replicas to have a batch; or `short` of replicas, asking again.
 */
type LaneState = 'connecting' | 'asking' | 'free' | 'waiting' | 'short';

interface OpenLane<T> {
  readonly lane: Lane<T>;
  state: LaneState;
  /** Counts its connections: an answer to an earlier one says nothing. */
  connection: number;
}

/**
 * The way to one node for commands that count only when the node's replicas have them. A WAIT blocks its connection, and
 * counts what that very connection has written; so what comes while all lanes wait goes with the next WAIT, directly
 * behind it: a WAIT of a node that has become a replica meanwhile is an error, and confirms nothing.
 *
 * A node that is short of replicas is sent nothing until a WAIT says that they are back: what is refused in that time
 * has certainly charged nothing. The WAIT that was short is asked again on its own connection, since on another one,
 * which has written nothing, it would count replicas that are only thought to be there.
 */
export class AckLanes<T extends AckedCommand> {
  readonly #options: AckLanesOptions<T>;
  readonly #waitMs: number;
  readonly #lanes: OpenLane<T>[] = [];
  #queue: T[] = [];
  #isFlushing = false;
  #isClosed = false;

  constructor(options: AckLanesOptions<T>) {
    this.#options = options;
    // The answer must come before the time of what waits for it is up.
    this.#waitMs = Math.max(1, Math.floor((options.timeoutMs * 3) / 4));
  }

  send(command: T): void {
    if (this.#lanes.length === 0 && !this.#isClosed) this.#openLanes();
    const shortage = this.#isClosed ? new Error('Connection is closed.') : this.#shortage();
    if (shortage !== undefined) {
      this.#options.onStuck();
      command.refuse(shortage);
      return;
    }
    this.#queue.push(command);
    if (this.#lanes.every(({ state }) => state === 'connecting')) this.#options.onStuck();
    this.#flushSoon();
  }

  /** What was written is waited for; then the connections are closed, and `onClosed` is called. */
  retire(onClosed: () => void): void {
    const end = () => {
      this.close();
      onClosed();
    };
    setTimeout(end, 2 * this.#options.timeoutMs).unref();
  }

  close(): void {
    this.#isClosed = true;
    for (const { lane } of this.#lanes) lane.close();
    this.#refuseAll(new Error('Connection is closed.'));
  }

  #openLanes(): void {
    for (let i = 0; i < this.#options.count; i++) {
      const lane: OpenLane<T> = {
        lane: this.#options.open({
          onReady: () => {
            lane.connection++;
            void this.#ask(lane, 'asking');
          },
          onLost: (error) => {
            lane.connection++;
            lane.state = 'connecting';
            if (this.#lanes.every(({ state }) => state === 'connecting')) this.#refuseAll(error);
          },
        }),
        state: 'connecting',
        connection: 0,
      };
      this.#lanes.push(lane);
    }
  }

  #shortage(): OpenclawError | undefined {
    if (!this.#lanes.some(({ state }) => state === 'short')) return undefined;
    const { node, replicas } = this.#options;
    return new OpenclawError(
      'REPLICAS_MISSING',
      `${node} does not have ${replicas === 1 ? 'a replica that keeps' : `${replicas} replicas that keep`} up`,
    );
  }

  #refuseAll(error: Error): void {
    const refused = this.#queue;
    this.#queue = [];
    if (refused.length > 0) this.#options.onStuck();
    for (const command of refused) command.refuse(error);
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#shortage() !== undefined) return;
    const lane = this.#lanes.find(({ state }) => state === 'free');
    const batch = lane === undefined ? [] : this.#queue.filter(({ isSettled }) => !isSettled);
    if (lane === undefined || batch.length === 0) return;
    this.#queue = [];
    for (const command of batch) lane.lane.write(command);
    const acks = this.#ask(lane, 'waiting').then((why) => {
      if (why !== undefined) throw this.#notAcked(why);
    });
    acks.catch(() => {}); // whoever needs it asks for it
    for (const command of batch) command.acks = acks;
  }

  /** Asks by WAIT, puts the lane into the state that the answer means, and says why it was not enough. */
  async #ask(lane: OpenLane<T>, state: LaneState): Promise<string | undefined> {
    const { connection } = lane;
    const { replicas } = this.#options;
    lane.state = state;
    let why: string | undefined;
    let next: LaneState = 'free'; // after an error, too: the node is no primary, and says to whom commands go
    try {
      const count = await lane.lane.wait(replicas, this.#waitMs);
      if (count < replicas) {
        why = `${count} of ${replicas} replicas have it`;
        next = 'short';
      }
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    if (lane.connection !== connection || this.#isClosed) return why;
    lane.state = next;
    const shortage = this.#shortage();
    if (shortage === undefined) this.#flushSoon();
    else this.#refuseAll(shortage);
    if (next === 'short') void this.#ask(lane, 'short');
    return why;
  }

  #notAcked(why: string): OpenclawError {
    return new OpenclawError('NOT_ACKED', `what ${this.#options.node} wrote is not known to be kept: ${why}`);
  }
}
