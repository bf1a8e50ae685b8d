import type { Random } from '../core/prng.ts';

/** Which data a toxic touches: `upstream` from client to server, `downstream` from server to client. */
export type Direction = 'upstream' | 'downstream';

/** Every attribute of every toxic is a whole number: milliseconds, bytes or a rate. */
export type Attributes = Readonly<Record<string, number>>;

/** A number above 2^53 is a bigint. */
export type ExactAttributes = Readonly<Record<string, number | bigint>>;

/** Receives the data of one direction in order, then at most one end. */
export interface Output {
  /**
   * `atMs`: when the data was due here, on the pipe's clock, so that lateness does not add up. `receivedMs`: when the
   * proxy received it, plus what latency has added since; latency counts from it.
   */
  push(data: Buffer, atMs: number, receivedMs: number): void;
  /** The source has sent its FIN, after all its data was pushed. */
  end(atMs: number): void;
}

/** Receives the output of a stage. */
export interface StageOutput extends Output {
  /** Closes the connection after the pushed data; the stage sends nothing more. */
  close(atMs: number): void;
}

/** The data that a stage held when it was stopped, oldest first. */
export interface Held {
  readonly chunks: readonly { readonly data: Buffer; readonly receivedMs: number }[];
  /** Whether the end was held too. */
  readonly ended: boolean;
}

export const NOTHING_HELD: Held = { chunks: [], ended: false };

/**
 * A running toxic on one direction of one connection. It has no timer: `dueMs` gives its next wake-up, and its caller
 * wakes it then. So it also runs on virtual time.
 */
export interface Stage extends Output {
  /** The next wake-up in milliseconds; Infinity if it waits for new data. */
  readonly dueMs: number;
  readonly heldBytes: number;
  readonly heldChunks: number;
  /** Does all work due at `nowMs`. */
  wake(nowMs: number): void;
  /** Stops for good and returns the data it held. */
  stop(): Held;
  /** It has dropped data, so removing the toxic closes the connection. */
  readonly closesOnRemoval: boolean;
}

export interface StageStart<Name extends string = string> {
  readonly attributes: Readonly<Record<Name, number>>;
  readonly output: StageOutput;
  /** The random numbers of this toxic on this connection. */
  readonly random: Random;
  /** One number that survives updates of the toxic; initially 0. */
  readonly memory: { value: number };
  readonly startedMs: number;
}

/** One kind of toxic, as registered under its name. */
export interface ToxicType<Name extends string = string> {
  readonly name: string;
  /** Its name in error messages of the real server. */
  readonly goType: string;
  /** Its attributes in output order, with the Go types of the real server; each defaults to 0. */
  readonly attributes: Readonly<Record<Name, 'int64' | 'int'>>;
  /** Bytes that one direction may hold before its source is paused; default: `HOLD_BYTES` of the pipe. */
  readonly bufferBytes?: number;
  /** Connections opened while it exists end with RST instead of FIN. */
  readonly resets?: boolean;
  start(options: StageStart<Name>): Stage;
}

/** A toxic of a proxy, as the API shows it. */
export interface Toxic {
  readonly type: ToxicType;
  readonly name: string;
  /** As the client wrote it: "UPSTREAM" is kept. */
  readonly stream: string;
  readonly direction: Direction;
  readonly toxicity: number;
  readonly attributes: ExactAttributes;
}
