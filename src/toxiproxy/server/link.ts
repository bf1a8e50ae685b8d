import type { Socket } from 'node:net';
import type { Random } from '../../core/prng.ts';
import type { Output, Toxic } from '../toxic.ts';
import type { Alarm } from './alarm-heap.ts';
import type { Clock } from './clock.ts';
import { Slot } from './slot.ts';

/** What one direction holds before its source is paused, unless a toxic asks for more. */
const HOLD_BYTES = 256 * 1024;
const HOLD_CHUNKS = 1_024;

export interface LinkOptions {
  readonly source: Socket;
  readonly destination: Socket;
  readonly toxics: readonly Toxic[];
  readonly clock: Clock;
  /** The numbers a toxic draws on this link. */
  readonly randomOf: (toxic: Toxic) => Random;
  /** Close with RST, never with FIN. */
  readonly resets: boolean;
}

/**
 * One direction of one connection: source, toxics in the order they were added, destination. Without toxics
 * it is a bare pipe. The source's FIN goes through in order and closes one direction only; a toxic that
 * closes, or a source that broke, closes the destination for both.
 */
export class Link implements Output {
  readonly #options: LinkOptions;
  readonly #source: Socket;
  readonly #destination: Socket;
  #slots: Slot[] = [];
  #holdBytes = HOLD_BYTES;
  #ended = false;
  #closing = false;
  readonly #alarm: Alarm = { dueMs: 0, position: -1, ring: (nowMs) => this.#run(nowMs) };

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#destination = options.destination;
    const nowMs = options.clock.nowMs();
    for (const toxic of options.toxics) this.#append(toxic, nowMs);
    this.#source
      .on('data', (data) => this.#receive(data))
      .on('end', () => this.#receiveEnd())
      .on('close', () => this.#receiveClose());
    this.#destination.on('drain', () => this.#balance()).on('close', () => this.dispose());
    this.#run(nowMs); // a timeout counts from now, and a source that came paused begins to flow
  }

  /** Adds a toxic at the end. The one before it starts anew, as in the real server. */
  add(toxic: Toxic): void {
    if (this.#ended) return;
    const nowMs = this.#options.clock.nowMs();
    this.#slots.at(-1)?.restart(nowMs);
    this.#append(toxic, nowMs);
    this.#run(nowMs);
  }

  /** Gives a toxic its new attributes and toxicity, and starts it anew. */
  update(toxic: Toxic): void {
    const nowMs = this.#options.clock.nowMs();
    this.#slots.find((slot) => slot.toxic.name === toxic.name)?.restart(nowMs, toxic);
    this.#run(nowMs);
  }

  /** Takes a toxic out; what it held goes on at once and in order, whether or not anybody reads it. */
  remove(name: string): void {
    const index = this.#slots.findIndex((slot) => slot.toxic.name === name);
    const slot = this.#slots[index];
    if (slot === undefined) return;
    const nowMs = this.#options.clock.nowMs();
    const before = this.#slots[index - 1];
    if (before !== undefined) before.next = slot.next;
    this.#slots.splice(index, 1);
    this.#measureHold();
    slot.leave(nowMs);
    this.#run(nowMs);
  }

  /** Lets go of everything still held; the sockets are somebody else's. */
  dispose(): void {
    this.#options.clock.clear(this.#alarm);
    this.#ended = true;
    this.#slots = [];
    this.#source.resume(); // what comes now is dropped, or its end would never be seen
  }

  /** What comes out of the last toxic goes to the destination. */
  push(data: Buffer): void {
    if (this.#destination.writable) this.#destination.write(data);
  }

  end(): void {
    this.#ended = true;
    const { resets } = this.#options;
    if (resets) this.#destination.resetAndDestroy();
    else if (this.#closing) this.#destination.destroySoon();
    else this.#destination.end();
  }

  #append(toxic: Toxic, nowMs: number): void {
    const close = () => {
      this.#closing = true;
    };
    const slot = new Slot({ toxic, next: this, random: this.#options.randomOf(toxic), close, nowMs });
    const last = this.#slots.at(-1);
    if (last !== undefined) last.next = slot;
    this.#slots.push(slot);
    this.#measureHold();
  }

  #measureHold(): void {
    this.#holdBytes = Math.max(HOLD_BYTES, ...this.#slots.map(({ toxic }) => toxic.type.bufferBytes ?? 0));
  }

  #receive(data: Buffer): void {
    if (this.#ended) return;
    const [first] = this.#slots;
    if (first === undefined) {
      this.push(data);
      this.#balance();
      return;
    }
    const nowMs = this.#options.clock.nowMs();
    first.push(data, nowMs);
    this.#run(nowMs);
  }

  #receiveEnd(): void {
    if (this.#ended) return;
    const nowMs = this.#options.clock.nowMs();
    (this.#slots[0] ?? this).end(nowMs);
    this.#run(nowMs);
  }

  /** The source is gone for both directions: so is the destination, once it has all that came before. */
  #receiveClose(): void {
    this.#closing = true;
    if (this.#ended) this.end();
    else if (!this.#source.readableEnded) this.#receiveEnd();
  }

  /** Wakes the toxics that are due, first to last, so that what one lets go the next may pass on at once. */
  #run(nowMs: number): void {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots) {
      if (slot.dueMs <= nowMs) slot.wake(nowMs);
      dueMs = Math.min(dueMs, slot.dueMs);
    }
    if (dueMs === Number.POSITIVE_INFINITY) this.#options.clock.clear(this.#alarm);
    else if (this.#alarm.position < 0 || dueMs < this.#alarm.dueMs)
      this.#options.clock.set(this.#alarm, dueMs);
    this.#balance();
  }

  /** Stops reading while too much is held here or not taken by the destination; goes on at half of it. */
  #balance(): void {
    if (this.#ended) return;
    let bytes = this.#destination.writableLength;
    let chunks = 0;
    for (const { stage } of this.#slots) {
      bytes += stage.heldBytes;
      chunks += stage.heldChunks;
    }
    if (bytes > this.#holdBytes || chunks > HOLD_CHUNKS) this.#source.pause();
    else if (this.#source.isPaused() && bytes <= this.#holdBytes / 2 && chunks <= HOLD_CHUNKS / 2)
      this.#source.resume();
  }
}
