import type { Timer } from '../../../core/time.ts';
import type { End, Network, Place } from '../../network.ts';
import type { Effect, Store } from '../../scripts/store.ts';
import type { Answer, Command } from '../messages.ts';
import type { ServerProcess } from '../process.ts';
import type { ReplicationLog } from './log.ts';
import type { FromReplica, ToReplica } from './messages.ts';

/** `repl-timeout`: a silent primary is disconnected after it. */
const SILENT_S = 60;
/** From a whole snapshot until it is loaded: the fork of the primary, the file, and the load, for little data. */
const LOAD_US = 20_000;

export interface UpstreamOptions {
  readonly network: Network;
  readonly process: ServerProcess;
  readonly place: Place & { readonly node: string };
  readonly log: ReplicationLog;
  readonly clockS: () => number;
  /** Applies a write of the primary. */
  readonly apply: (effect: Effect) => void;
  /** Replaces all data by this copy. */
  readonly load: (data: Store) => void;
}

type State = 'connecting' | 'pinged' | 'configured' | 'synchronizing' | 'preparing' | 'loading' | 'linked';

/**
 * The link of a replica to its primary: connects, says PING, REPLCONF and PSYNC, a round trip each, and applies the
 * stream. If it needs a copy, that takes a round trip more to prepare and one to ask for: the replication by a channel of
 * its own that Redis 8 has, here on the same connection. A link that was up connects again at once; one that fails before, once a second. It acknowledges once a second, after a
 * copy, and when the stream asks for it.
 */
export class Upstream {
  readonly primary: string;
  readonly #options: UpstreamOptions;
  #connection: { close(): void } | undefined;
  #end: End<Command | FromReplica> | undefined;
  #state: State | undefined;
  #heardS: number;
  /** `repl_down_since`, which is 0 until the link was up: data of a replica without one is older than any. */
  #downSinceS = Number.NEGATIVE_INFINITY;
  #loading: Timer | undefined;
  #waiting: ToReplica[] = [];
  #hasStopped = false;

  constructor(primary: string, options: UpstreamOptions) {
    this.primary = primary;
    this.#options = options;
    this.#heardS = options.clockS();
    this.#connect();
  }

  /** `master_link_status` is up. */
  get isLinked(): boolean {
    return this.#state === 'linked';
  }

  /** Seconds since this replica last heard its primary, or since its link is down; infinite if it was never up. */
  get ageS(): number {
    return this.#options.clockS() - (this.isLinked ? this.#heardS : this.#downSinceS);
  }

  /** Once a second. */
  cron(): void {
    const { clockS, log } = this.#options;
    if (this.#state === undefined) this.#connect();
    else if (clockS() - this.#heardS > SILENT_S) this.#lose();
    else if (this.isLinked) this.#end?.send({ name: 'ack', offset: log.offset }, 50);
  }

  stop(): void {
    this.#hasStopped = true;
    this.#drop();
  }

  #connect(): void {
    const { network, process, place, clockS } = this.#options;
    this.#state = 'connecting';
    this.#heardS = clockS();
    const socket = process.socket();
    const isCurrent = () => this.#connection === connection;
    const connection: { close(): void } = network.connect<Command | FromReplica, Answer | ToReplica>(
      place,
      { node: this.primary, port: 'data' },
      {
        opened: (end) => socket.run(() => isCurrent() && this.#open(end)),
        message: (message) => {
          if (!socket.isRead) socket.run(() => isCurrent() && this.#hear(message));
          else if (isCurrent()) this.#hear(message);
        },
        closed: () => socket.run(() => isCurrent() && this.#lose()),
      },
    );
    this.#connection = connection;
  }

  #open(end: End<Command | FromReplica>): void {
    this.#end = end;
    this.#state = 'pinged';
    this.#heardS = this.#options.clockS();
    end.send({ name: 'ping' }, 14);
  }

  #hear(message: Answer | ToReplica): void {
    this.#heardS = this.#options.clockS();
    if (this.#state === 'loading') this.#waiting.push(message as ToReplica);
    else if ('error' in message)
      this.#drop(); // `cron` tries again
    else if (this.#state === 'pinged') {
      this.#state = 'configured';
      this.#end?.send({ name: 'replconf', node: this.#options.place.node }, 120);
    } else if (this.#state === 'configured') {
      const { id, offset } = this.#options.log;
      this.#state = 'synchronizing';
      this.#end?.send({ name: 'psync', id, offset }, 80);
    } else if ('mustCopy' in message) {
      this.#state = 'preparing';
      this.#end?.send({ name: 'replconf', node: this.#options.place.node }, 120);
    } else if (this.#state === 'preparing') {
      this.#state = 'synchronizing';
      this.#end?.send({ name: 'copy' }, 80);
    } else this.#follow(message as ToReplica);
  }

  #follow(message: ToReplica): void {
    const { log, apply, process } = this.#options;
    if ('continues' in message) {
      log.follow(message.continues);
      this.#state = 'linked';
    } else if ('full' in message) {
      this.#state = 'loading';
      const { full } = message;
      this.#loading = process.after(LOAD_US, () => this.#load(full));
    } else if ('part' in message) {
      for (const effect of message.part.effects) apply(effect);
      log.receive(message.part);
      if (message.part.asksAck) this.#acknowledge();
    }
  }

  #load({ id, offset, data }: { id: string; offset: number; data: Store }): void {
    const { log, load } = this.#options;
    load(data);
    log.restart(id, offset);
    this.#state = 'linked';
    this.#acknowledge();
    for (const message of this.#waiting.splice(0)) this.#follow(message);
  }

  #acknowledge(): void {
    this.#end?.send({ name: 'ack', offset: this.#options.log.offset }, 50);
  }

  #lose(): void {
    const hadBegun = this.#state === 'linked' || this.#state === 'loading';
    this.#drop();
    if (hadBegun && !this.#hasStopped) this.#connect();
  }

  #drop(): void {
    if (this.#state === 'linked') this.#downSinceS = this.#options.clockS();
    const connection = this.#connection;
    this.#connection = undefined;
    this.#end = undefined;
    this.#state = undefined;
    this.#loading?.cancel();
    this.#waiting = [];
    connection?.close();
  }
}
