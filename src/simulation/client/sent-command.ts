import type { Linked } from '../../core/chain.ts';
import type { AckedCommand } from '../../limiter/redis/ack-lanes.ts';
import type { SendRecord } from '../../limiter/redis/errors.ts';
import type { Answer, Command } from '../nodes/messages.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** As the client of a limiter calls a command that it has not written. */
export const NEVER_SENT: SendRecord = { written: false, node: 'no node' };

/** The message of ioredis for a command whose connection is over. */
export const CLOSED = 'Connection is closed.';

/** An error that a node replied. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

export type Values = readonly (number | string)[];

/** What waits for the next reply of a connection. */
export interface InFlightCommand {
  readonly command: Command;
  answered(answer: Answer): void;
  /** No reply will come. */
  refuse(error: Error): void;
}

/** Gets the result of a command, once. */
export interface CommandOwner {
  readonly time: VirtualTime;
  over(command: SentCommand, result: Values | Error): void;
}

/** A command of a limiter, and where it was sent. It settles once. */
export class SentCommand implements InFlightCommand, AckedCommand, Linked<SentCommand> {
  readonly command: Command;
  /** The slot of its keys; of none for a command without keys. */
  readonly slot: number | undefined;
  /** What its caller gets of the values. */
  readonly read: (values: Values, command: SentCommand) => unknown;
  sent = NEVER_SENT;
  /** Whether it uses lanes, which wait for the replicas. */
  readonly wantsAcks: boolean;
  acks: Promise<void> | undefined;
  /** When its result is due, by the milliseconds of the simulation. */
  readonly deadlineMs: number;
  isSettled = false;
  /** How often a node may still send it elsewhere. */
  redirections = 16;
  /** Sends it elsewhere after an error; false if the error stands. */
  redirect: ((command: SentCommand, error: Error) => boolean) | undefined;
  /** The chain is that of the open commands by their deadlines. */
  isLinked = false;
  before: SentCommand | undefined;
  after: SentCommand | undefined;
  /** Settle the promise of its caller. */
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly #owner: CommandOwner;

  constructor(
    owner: CommandOwner,
    command: Command,
    options: Pick<SentCommand, 'slot' | 'deadlineMs' | 'wantsAcks' | 'read' | 'resolve' | 'reject'>,
  ) {
    this.#owner = owner;
    this.command = command;
    this.slot = options.slot;
    this.deadlineMs = options.deadlineMs;
    this.wantsAcks = options.wantsAcks;
    this.read = options.read;
    this.resolve = options.resolve;
    this.reject = options.reject;
  }

  answered(answer: Answer): void {
    if ('values' in answer) this.#settle(answer.values);
    else if ('error' in answer) this.refuse(new ReplyError(answer.error));
    else this.#settle([]);
  }

  refuse(error: Error): void {
    if (this.isSettled || this.redirect?.(this, error) === true) return;
    this.#settle(error);
  }

  #settle(result: Values | Error): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#owner.time.wake();
    this.#owner.over(this, result);
  }
}
