import type { Effect } from '../../scripts/store.ts';
import type { StreamPart } from './messages.ts';

/** `repl-backlog-size`, bytes. */
const BACKLOG_BYTES = 1_048_576;
const PING_BYTES = 14;
const GETACK_BYTES = 37;
/** Of a write: about as long as a SET of a bucket with its expiry. */
const EFFECT_BYTES = 130;

/**
 * The replication stream of one server: the last that it wrote, or received as a replica, and its ids. After a promotion
 * the former id holds up to the offset of that moment, so that other replicas can go on without a full copy (PSYNC2).
 */
export class ReplicationLog {
  #id: string;
  #former: { readonly id: string; readonly until: number } | undefined;
  #offset = 0;
  readonly #backlog: StreamPart[] = [];
  /** Index of the first part that counts: removed parts are cut off in bulk. */
  #first = 0;
  /** The offset before the first part. */
  #begins = 0;

  constructor(id: string) {
    this.#id = id;
  }

  get id(): string {
    return this.#id;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Appends writes of this primary, a PING if there are none, or a GETACK. */
  append(effects: readonly Effect[], asksAck?: true): StreamPart {
    const bytes = asksAck ? GETACK_BYTES : effects.length === 0 ? PING_BYTES : effects.length * EFFECT_BYTES;
    const offset = this.#offset + bytes;
    const part = asksAck ? { effects, offset, asksAck } : { effects, offset };
    this.receive(part);
    return part;
  }

  /** Appends a part of the primary's stream. */
  receive(part: StreamPart): void {
    this.#backlog.push(part);
    this.#offset = part.offset;
    while (this.#offset - this.#begins > BACKLOG_BYTES && this.#first < this.#backlog.length)
      this.#begins = this.#backlog[this.#first++]?.offset ?? this.#offset;
    if (this.#first > 4_096 && this.#first * 2 > this.#backlog.length) {
      this.#backlog.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** What follows an offset of a stream; undefined if that is not known: then a full copy is needed. */
  after(id: string, offset: number): readonly StreamPart[] | undefined {
    const isKnown = id === this.#id || (id === this.#former?.id && offset <= this.#former.until);
    if (!isKnown || offset > this.#offset || offset < this.#begins) return undefined;
    let low = this.#first;
    let high = this.#backlog.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#backlog[middle] as StreamPart).offset > offset) high = middle;
      else low = middle + 1;
    }
    return this.#backlog.slice(low);
  }

  /** A stream of its own from here on: this server was promoted. */
  begin(id: string): void {
    this.#former = { id: this.#id, until: this.#offset };
    this.#id = id;
  }

  /** The primary goes on with this server's stream under its id. */
  follow(id: string): void {
    if (id !== this.#id) this.begin(id);
  }

  /** A full copy replaced all data. */
  restart(id: string, offset: number): void {
    this.#id = id;
    this.#former = undefined;
    this.#offset = offset;
    this.#begins = offset;
    this.#backlog.length = 0;
    this.#first = 0;
  }
}
