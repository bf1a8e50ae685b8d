import type { Socket } from 'node:net';
import type { Random } from '../../core/prng.ts';
import type { Output, Toxic } from '../toxic.ts';
import type { Alarm } from './alarm-heap.ts';
import type { Clock } from './clock.ts';
import { Relay } from './relay.ts';
import { Slot } from './toxic-slot.ts';

/** Bytes that one direction holds before its source is paused, unless a toxic sets more. */
const HOLD_BYTES = 256 * 1024;
const HOLD_CHUNKS = 1_024;

export interface PipeOptions {
  readonly source: Socket;
  readonly destination: Socket;
  readonly toxics: readonly Toxic[];
  readonly clock: Clock;
  /** The random numbers of a toxic in this pipe. */
  readonly randomOf: (toxic: Toxic) => Random;
  /** Close with RST instead of FIN. */
  readonly resets: boolean;
}

/**
 * One direction of one connection: source, toxics in the order of their addition, destination. Without toxics it is a
 * plain pipe. The source's FIN passes in order and closes only this direction. A toxic that closes, or a failed source,
 * closes the destination for both directions.
 */
export class ToxicPipe implements Output {
  readonly #options: PipeOptions;
  readonly #source: Socket;
  readonly #destination: Socket;
  readonly #relay = new Relay();
  #slots: Slot[] = [];
  #holdBytes = HOLD_BYTES;
  #ended = false;
  #closing = false;
  readonly #alarm: Alarm = { dueMs: 0, position: -1, ring: (nowMs) => this.#run(nowMs) };

  constructor(options: PipeOptions) {
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
    this.#run(nowMs); // a timeout starts now, and a paused source starts to flow
  }

  /** Adds a toxic at the end. The toxic before it restarts, as in the real server. */
  add(toxic: Toxic): void {
    if (this.#ended) return;
    const nowMs = this.#options.clock.nowMs();
    this.#slots.at(-1)?.restart(nowMs);
    this.#append(toxic, nowMs);
    this.#run(nowMs);
  }

  /** Sets the attributes and toxicity of a toxic and restarts it. */
  update(toxic: Toxic): void {
    const nowMs = this.#options.clock.nowMs();
    this.#slots.find((slot) => slot.toxic.name === toxic.name)?.restart(nowMs, toxic);
    this.#run(nowMs);
  }

  /** Removes a toxic and forwards its held data at once, in order, even to a stalled reader. */
  remove(name: string): void {
    const index = this.#slots.findIndex((slot) => slot.toxic.name === name);
    const slot = this.#slots[index];
    if (slot === undefined) return;
    const nowMs = this.#options.clock.nowMs();
    const before = this.#slots[index - 1];
    if (before !== undefined) before.next = slot.next;
    this.#slots.splice(index, 1);
    this.#holdBytes = HOLD_BYTES;
    for (const { toxic } of this.#slots)
      this.#holdBytes = Math.max(this.#holdBytes, toxic.type.bufferBytes ?? 0);
    slot.leave(nowMs);
    this.#run(nowMs);
  }

  /** Drops all held data. The owner of the sockets closes them. */
  dispose(): void {
    this.#options.clock.clear(this.#alarm);
    this.#ended = true;
    this.#slots = [];
    this.#source.resume(); // drops further data, so that the end is still noticed
  }

  /** Writes the output of the last toxic to the destination. */
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
    const { randomOf } = this.#options;
    const slot = new Slot({ toxic, next: this, relay: this.#relay, random: randomOf(toxic), close, nowMs });
    const last = this.#slots.at(-1);
    if (last !== undefined) last.next = slot;
    this.#slots.push(slot);
    this.#holdBytes = Math.max(this.#holdBytes, toxic.type.bufferBytes ?? 0);
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
    first.push(data, nowMs, nowMs);
    this.#run(nowMs);
  }

  #receiveEnd(): void {
    if (this.#ended) return;
    const nowMs = this.#options.clock.nowMs();
    (this.#slots[0] ?? this).end(nowMs);
    this.#run(nowMs);
  }

  /** The source has closed both directions: closes the destination after the data before that. */
  #receiveClose(): void {
    this.#closing = true;
    if (this.#ended) this.end();
    else if (!this.#source.readableEnded) this.#receiveEnd();
  }

  /** Wakes the due toxics from first to last, so that the next can pass the released data on at once. */
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

  /** Pauses the source while too much data is held here or in the destination; resumes at half of that. */
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
