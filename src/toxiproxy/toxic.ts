import type { Random } from '../core/prng.ts';

/** Which data a toxic touches: `upstream` from client to server, `downstream` from server to client. */
export type Direction = 'upstream' | 'downstream';

/** Every attribute of every toxic is a whole number: milliseconds, bytes or a rate. */
export type Attributes = Readonly<Record<string, number>>;

/** Takes one direction's data in order, then at most one end. */
export interface Output {
  /** `atMs`: when the data came here, on the link's clock; delays count from it and so do not add up. */
  push(data: Buffer, atMs: number): void;
  /** The source has sent its FIN and all data before it is through. */
  end(atMs: number): void;
}

/** What a stage sends its data to. */
export interface StageOutput extends Output {
  /** Closes the connection behind what was pushed; nothing more will come through this stage. */
  close(atMs: number): void;
}

/** What a stage still held when it was stopped, oldest first. */
export interface Held {
  readonly chunks: readonly { readonly data: Buffer; readonly atMs: number }[];
  /** The end was in here, too. */
  readonly ended: boolean;
}

export const NOTHING_HELD: Held = { chunks: [], ended: false };

/**
 * A toxic at work on one direction of one connection. It keeps no timer: it says when it next has something
 * to do, and whoever runs it wakes it then. So it runs on virtual time as well as on real time.
 */
export interface Stage extends Output {
  /** The next moment it has something to do; Infinity when only new data can move it. */
  readonly dueMs: number;
  readonly heldBytes: number;
  readonly heldChunks: number;
  /** Does all that is due at `nowMs`. */
  wake(nowMs: number): void;
  /** Stops for good and hands back what it held. */
  stop(): Held;
  /** It has lost data, so the connection cannot go on without it: removing the toxic closes the connection. */
  readonly closesOnRemoval: boolean;
}

export interface StageStart<Name extends string = string> {
  readonly attributes: Readonly<Record<Name, number>>;
  readonly output: StageOutput;
  /** One stream of numbers for this toxic on this connection. */
  readonly random: Random;
  /** One number that outlives updates of the toxic; 0 at first. */
  readonly memory: { value: number };
  readonly startedMs: number;
}

/** One kind of toxic, as registered under its name. */
export interface ToxicType<Name extends string = string> {
  readonly name: string;
  /** What the real server calls it, in error messages. */
  readonly goType: string;
  /** Its attributes in the order they are shown, with the type the real server gives them; each defaults to 0. */
  readonly attributes: Readonly<Record<Name, 'int64' | 'int'>>;
  /** Data one direction may hold before its source is paused; default: `HOLD_BYTES` of the link. */
  readonly bufferBytes?: number;
  /** Connections that are opened while it is there end with RST instead of FIN. */
  readonly resets?: boolean;
  start(options: StageStart<Name>): Stage;
}

/** A toxic of a proxy, as the API shows it. */
export interface Toxic {
  readonly type: ToxicType;
  readonly name: string;
  /** As the client wrote it: "UPSTREAM" stays so. */
  readonly stream: string;
  readonly direction: Direction;
  readonly toxicity: number;
  readonly attributes: Attributes;
}
