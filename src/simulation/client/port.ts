import { OpenclawError } from '../../core/errors.ts';
import { closedError, describeFailure } from '../../limiter/redis/errors.ts';
import { keySlot } from '../../limiter/redis/hash-slot.ts';
import type { AckedPort, AckedReply, ScriptReply, TextPort, TextReply } from '../../limiter/redis/port.ts';
import { integers, type Script, texts } from '../../limiter/redis/script.ts';
import type { Command } from '../nodes/messages.ts';
import type { VirtualTime } from '../virtual-time.ts';
import type { Client, ClientEvents } from './client.ts';
import { Deadlines } from './deadlines.ts';
import { type CommandOwner, SentCommand, type Values } from './sent-command.ts';

export interface PortOptions {
  readonly time: VirtualTime;
  readonly timeoutMs: number;
  /** Runs scripts that only read, on replicas. */
  readonly readsReplicas: boolean;
  /** Opens the client of the port. */
  readonly open: (events: ClientEvents) => Client;
  /** Called for each command that is given to the client. */
  readonly onCommand?: (() => void) | undefined;
  /** Called once the port is closed. */
  readonly onClosed?: () => void;
}

/**
 * The port of the limiter over a simulated client: each command is written at most once, and its failure says whether it
 * may have run, by the same rules as over ioredis.
 */
export class SimulatedPort implements TextPort, AckedPort, CommandOwner {
  readonly time: VirtualTime;
  readonly #options: PortOptions;
  readonly #client: Client;
  readonly #open: Deadlines;
  /** Those that were called while the client connects. */
  #waiting = new Set<SentCommand>();
  #wasReady = false;
  #hasFailed = false;
  #isClosed = false;

  constructor(options: PortOptions) {
    this.#options = options;
    this.time = options.time;
    this.#open = new Deadlines(options.time);
    this.#client = options.open({ onReady: this.#ready, onClose: this.#lost });
  }

  /** Functions, since strategies take them without the port. */
  readonly run = (script: Script, keys: readonly string[], args: readonly string[]): Promise<ScriptReply> =>
    this.#script(script, keys, args, readIntegers);

  readonly runText = (script: Script, keys: readonly string[], args: readonly string[]): Promise<TextReply> =>
    this.#script(script, keys, args, readTexts);

  readonly runAcked = (
    script: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<AckedReply> => this.#script(script, keys, args, readAcked, true);

  async ready(): Promise<void> {
    await this.#send({ name: 'ping' }, undefined, () => undefined, false);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#client.close();
    this.#options.onClosed?.();
  }

  over(command: SentCommand, result: Values | Error): void {
    this.#open.remove(command);
    try {
      if (result instanceof Error) command.reject(this.#failure(result, command));
      else command.resolve(command.read(result, command));
    } catch (error) {
      command.reject(error);
    }
  }

  #script<R>(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    read: (values: Values, command: SentCommand) => R,
    wantsAcks = false,
  ): Promise<R> {
    const slot = keySlot(keys[0] ?? '');
    const command: Command = this.#options.readsReplicas
      ? { name: 'script', script, keys, args, slot, onReplica: true }
      : { name: 'script', script, keys, args, slot };
    return this.#send(command, slot, read, wantsAcks);
  }

  #send<R>(
    command: Command,
    slot: number | undefined,
    read: (values: Values, command: SentCommand) => R,
    wantsAcks: boolean,
  ): Promise<R> {
    if (this.#isClosed) return Promise.reject(closedError());
    return new Promise<R>((settle, reject) => {
      const deadlineMs = this.time.nowUs / 1_000 + this.#options.timeoutMs;
      const resolve = settle as (reply: unknown) => void;
      const sent = new SentCommand(this, command, { slot, deadlineMs, wantsAcks, read, resolve, reject });
      this.#open.add(sent);
      this.#sendUnlessAway(sent);
    });
  }

  #failure(error: Error, { sent }: SentCommand): OpenclawError {
    return this.#isClosed && !sent.written
      ? closedError()
      : describeFailure(error, sent, this.#client.problemOf(sent.node));
  }

  /** A command is refused if the last attempt to connect failed; after a lost connection the first attempt is awaited. */
  #sendUnlessAway(command: SentCommand): void {
    if (this.#hasFailed) {
      refuseAway(command);
      return;
    }
    this.#options.onCommand?.();
    if (!this.#client.isReady) this.#waiting.add(command);
    this.#client.send(command);
  }

  readonly #ready = (): void => {
    [this.#wasReady, this.#hasFailed] = [true, false];
    this.#waiting.clear();
  };

  readonly #lost = (): void => {
    this.#hasFailed = !this.#wasReady;
    this.#wasReady = false;
    if (!this.#hasFailed) return;
    const refused = this.#waiting;
    this.#waiting = new Set();
    for (const command of refused) refuseAway(command);
  };
}

function refuseAway(command: SentCommand): void {
  command.refuse(new Error('the last attempt to connect failed'));
}

function readIntegers(values: Values, { command, sent: { node } }: SentCommand): ScriptReply {
  return { values: integers(values, scriptOf(command), node), node };
}

function readTexts(values: Values, { command, sent: { node } }: SentCommand): TextReply {
  return { values: texts(values, scriptOf(command), node), node };
}

function readAcked(values: Values, command: SentCommand): AckedReply {
  const reply = readIntegers(values, command);
  const acked = async () => {
    if (command.acks !== undefined) return command.acks;
    throw new OpenclawError('NOT_ACKED', `no WAIT was sent after a write to ${reply.node}`);
  };
  return { ...reply, acked };
}

function scriptOf(command: Command): Script {
  if (command.name === 'script') return command.script;
  throw new RangeError(`${command.name} is not a script`);
}
