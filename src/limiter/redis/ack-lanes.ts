import { OpenclawError } from '../../core/errors.ts';
import type { Time } from '../../core/time.ts';
import { withTimeout } from '../with-timeout.ts';

/** A command whose writes must reach the replicas of a node. */
export interface AckedCommand {
  /** Whether it has a reply or has failed. */
  readonly isSettled: boolean;
  /** When its result is due, by the clock of the lanes. */
  readonly deadlineMs: number;
  /** Resolves once the replicas have its writes. Set at each write; a redirected command gets another. */
  acks: Promise<void> | undefined;
  /** Rejects a command that was not written. */
  refuse(error: Error): void;
}

/** One connection to the node. */
export interface Lane<T> {
  /** Writes a command; commands of one turn of the event loop share few packets. */
  write(command: T): void;
  /**
   * Sends WAIT and returns the number of replicas that have all writes of this connection: as soon as it is `replicas`,
   * otherwise after `timeoutMs`. Rejects with an error reply, or if the connection is lost.
   */
  wait(replicas: number, timeoutMs: number): Promise<number>;
  close(): void;
}

/** The events of a lane's connection. */
export interface LaneEvents {
  onReady(): void;
  onLost(error: Error): void;
}

export interface AckLanesOptions<T> {
  readonly node: string;
  /** The number of replicas that must have a write. */
  readonly replicas: number;
  /** The timeout of a command. */
  readonly timeoutMs: number;
  /** The number of lanes: while one waits for its replicas, the others accept commands. */
  readonly count: number;
  readonly time: Time;
  readonly open: (events: LaneEvents) => Lane<T>;
  /** Called if a command finds no usable lane: another node may serve the slot by now. */
  readonly onStuck: () => void;
}

/**
 * The state of a lane: `connecting`; `asking` with a first WAIT whether the node has its replicas, before any write;
 * `free`; `waiting` for the replicas to have a batch; or `short` of replicas, and repeating WAIT.
 */
type LaneState = 'connecting' | 'asking' | 'free' | 'waiting' | 'short';

interface OpenLane<T> {
  readonly lane: Lane<T>;
  state: LaneState;
  /** The number of connections so far; a reply on an earlier one is ignored. */
  connection: number;
}

/**
 * Sends commands to one node and waits until its replicas have them. A WAIT blocks its connection and counts the
 * writes of that connection only. Commands that arrive while all lanes wait are therefore written together, directly
 * followed by one WAIT. If the node has become a replica meanwhile, WAIT is an error and confirms no write.
 *
 * A node that is short of replicas gets no commands until a WAIT reports them again, so commands rejected meanwhile
 * have certainly charged nothing. That WAIT is repeated on the same connection: another connection has written
 * nothing, so its WAIT would count every connected replica.
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
    // WAIT must return before the commands that wait for it time out.
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

  /** Waits for written commands, then closes the connections and calls `onClosed`. */
  retire(onClosed: () => void): void {
    const end = () => {
      this.close();
      onClosed();
    };
    this.#options.time.after(2 * this.#options.timeoutMs, end);
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
      `fewer than ${replicas} replica${replicas === 1 ? '' : 's'} of ${node} keep up`,
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
    this.#options.time.soon(() => {
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
    this.#setAcks(batch, this.#ask(lane, 'waiting'));
  }

  /**
   * Commands with enough time left for a WAIT share one timer, at the deadline of the first of them: a timer for each
   * would cost a tenth of a client's time. Each that waited longer for a lane has its own, so that it fails alone.
   */
  #setAcks(batch: readonly T[], asked: Promise<string | undefined>): void {
    const enoughMs = this.#nowMs() + this.#waitMs;
    const deadlines = batch
      .map(({ deadlineMs }) => deadlineMs)
      .filter((deadlineMs) => deadlineMs >= enoughMs);
    const shared = deadlines.length > 0 ? this.#acksBy(Math.min(...deadlines), asked) : undefined;
    for (const command of batch)
      command.acks =
        shared !== undefined && command.deadlineMs >= enoughMs
          ? shared
          : this.#acksBy(command.deadlineMs, asked);
  }

  #acksBy(deadlineMs: number, asked: Promise<string | undefined>): Promise<void> {
    const late = () => 'no reply to WAIT in time';
    const leftMs = deadlineMs - this.#nowMs();
    const acks = withTimeout(leftMs, asked, late, this.#options.time).then((why) => {
      if (why !== undefined) throw this.#notAcked(why);
    });
    acks.catch(() => {}); // commands that need it await it
    return acks;
  }

  /** Sends WAIT and sets the lane's state by its reply. Returns the reason if the replicas are not confirmed. */
  async #ask(lane: OpenLane<T>, state: LaneState): Promise<string | undefined> {
    const { connection } = lane;
    const { replicas } = this.#options;
    lane.state = state;
    let why: string | undefined;
    let next: LaneState = 'free'; // also after an error: the node is no primary, and redirects commands
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

  #nowMs(): number {
    return this.#options.time.nowUs() / 1_000;
  }

  #notAcked(why: string): OpenclawError {
    return new OpenclawError('NOT_ACKED', `replicas of ${this.#options.node} may lack a write: ${why}`);
  }
}
