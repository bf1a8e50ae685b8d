import { Chain } from '../../core/chain.ts';
import type { OpenclawError } from '../../core/errors.ts';
import { HEADERS } from '../../core/header-names.ts';
import type { Timer } from '../../core/time.ts';
import { describeFailure } from '../../rating/services-in-turn.ts';
import type { VirtualTime } from '../virtual-time.ts';
import type { Thread } from './machine.ts';
import type { HttpReply, RequestHeaders } from './rating-instance.ts';
import { type Request, replyOf, type Service } from './request.ts';

/** What a process of an instance does on its thread, and how it ends. */
export type StartInstance = (
  instance: number,
  thread: Thread,
) => {
  readonly answer: (headers: RequestHeaders) => Promise<HttpReply>;
  readonly end: () => void;
  readonly made?: Promise<unknown>;
};

interface Process {
  readonly id: string;
  readonly answer: (headers: RequestHeaders) => Promise<HttpReply>;
  readonly end: () => void;
  /** The requests that it has. */
  readonly open: Chain<Request>;
  /** Whether it listens. */
  isReady: boolean;
}

export interface InstanceOptions {
  readonly time: VirtualTime;
  readonly thread: Thread;
  /** What replies say of it; undefined where there is one only. */
  readonly name: string | undefined;
  readonly start: () => ReturnType<StartInstance>;
}

/** One Rating service of a region: its thread, and its process while that listens. */
export class Instance implements Service {
  readonly thread: Thread;
  readonly #options: InstanceOptions;
  #process: Process | undefined;
  /** The start of its process. */
  #starting: Timer | undefined;
  #started = 0;
  /** Why its last start has failed. */
  #failure: OpenclawError | undefined;

  constructor(options: InstanceOptions) {
    this.thread = options.thread;
    this.#options = options;
  }

  /** Of its process; undefined while it does not listen. */
  get id(): string | undefined {
    return this.#process?.isReady ? this.#process.id : undefined;
  }

  get failure(): OpenclawError | undefined {
    return this.#failure;
  }

  /** Starts its process, which listens as soon as it is made. */
  listen(): void {
    this.#starting = undefined;
    this.#failure = undefined;
    const { made, answer, end } = this.#options.start();
    const id = `process ${++this.#started}`;
    const process: Process = { answer, end, id, open: new Chain(), isReady: made === undefined };
    this.#process = process;
    made?.then(
      () => {
        process.isReady = true;
      },
      (error: OpenclawError) => {
        if (this.#process !== process) return; // killed meanwhile
        this.#process = undefined;
        this.#failure = error;
        end();
      },
    );
  }

  /** Its process starts if it does not run, and listens so much later. */
  startIn(us: number): void {
    if (this.#process === undefined) this.#starting ??= this.#options.time.after(us, () => this.listen());
  }

  /** Ends its process; the requests that it has get this reply. */
  kill(reply: HttpReply): void {
    const process = this.#process;
    this.#process = undefined;
    this.#starting?.cancel();
    this.#starting = undefined;
    process?.end();
    for (let request = process?.open.first; request !== undefined; request = process?.open.first) {
      process?.open.remove(request);
      request.lost(reply);
    }
  }

  decide(request: Request): void {
    const process = this.#process;
    if (!process?.isReady) {
      request.back(replyOf(describeFailure({ code: 'ECONNREFUSED' })));
      return;
    }
    process.open.add(request);
    this.#options.time.wake();
    process.answer(request.headers).then((reply) => {
      if (request.isLinked) request.answered(reply);
    }, this.#end);
  }

  close(request: Request): boolean {
    return this.#process?.open.remove(request) === true;
  }

  passed(reply: HttpReply): HttpReply {
    const { name } = this.#options;
    return name === undefined ? reply : { ...reply, headers: [...reply.headers, HEADERS.instance, name] };
  }

  /** A mistake of ours ends the simulation. */
  readonly #end = (error: unknown): void => {
    const { time } = this.#options;
    time.at(time.nowUs, () => {
      throw error;
    });
  };
}
