import type { OpenclawError } from '../../core/errors.ts';
import { HEADERS } from '../../core/header-names.ts';
import type { Random } from '../../core/prng.ts';
import type { Timer } from '../../core/time.ts';
import type { Problem } from '../../http/problem.ts';
import { describeFailure } from '../../rating/services-in-turn.ts';
import { DIRECT_US, drawDelay, GATEWAY_US, LOAD_US, RATING_US, SERVICE_START_US } from '../delays.ts';
import type { VirtualTime } from '../virtual-time.ts';
import type { Machine, Thread } from './machine.ts';
import type { HttpReply, RequestHeaders } from './rating-instance.ts';

type Answer = (headers: RequestHeaders) => Promise<HttpReply>;
type OnReply = (reply: HttpReply) => void;

/** The requests that an instance has, by their ways back. */
type Open = Set<OnReply>;

interface Instance {
  readonly thread: Thread;
  /** Its process. */
  running: Running | undefined;
  /** The start of its process. */
  starting: Timer | undefined;
  /** Why its last start has failed. */
  failure: OpenclawError | undefined;
}

interface Running {
  readonly id: string;
  readonly answer: Answer;
  readonly end: () => void;
  readonly open: Open;
  /** Whether it listens. */
  isReady: boolean;
}

export interface RegionServicesOptions {
  readonly time: VirtualTime;
  /** On which they run, and the load. */
  readonly machine: Machine;
  readonly random: Random;
  readonly instances: number;
  /** Starts the process of an instance, from 1. It listens once `made` resolves, by default at once; a rejection ends it. */
  readonly start: (instance: number) => {
    readonly answer: Answer;
    readonly end: () => void;
    readonly made?: Promise<unknown>;
  };
}

/**
 * The gateway of a region and its Rating services: requests go to these in turn, each is passed on once. Each process has
 * one thread, and so has the load in the region. Left out: the limit of connections to a service, and time-outs of the
 * gateway, which are longer than those of a limiter.
 */
export class RegionServices {
  readonly #options: RegionServicesOptions;
  readonly #load: Thread;
  readonly #gateway: Thread;
  readonly #instances: readonly Instance[];
  #turn = 0;
  #started = 0;

  constructor(options: RegionServicesOptions) {
    this.#options = options;
    const { machine } = options;
    this.#load = machine.load;
    this.#gateway = machine.thread();
    this.#instances = Array.from({ length: options.instances }, () => ({
      ...{ thread: machine.thread(), running: undefined, starting: undefined, failure: undefined },
    }));
    for (const at of this.#instances.keys()) this.#listen(at);
  }

  /** Sends a request to the gateway; calls back once when its reply arrives. */
  send(headers: RequestHeaders, onReply: OnReply): void {
    const { time } = this.#options;
    const at = this.#turn;
    this.#turn = (at + 1) % this.#instances.length;
    const instance = this.#instances[at] as Instance;
    const back = (reply: HttpReply) => {
      const named = this.#instances.length === 1 ? [] : [HEADERS.instance, String(at + 1)];
      const whole = named.length === 0 ? reply : { ...reply, headers: [...reply.headers, ...named] };
      this.#gateway.do(GATEWAY_US, () => {
        time.after(this.#hops(), () => this.#load.do(LOAD_US, () => onReply(whole)));
      });
    };
    this.#load.do(LOAD_US, () => {
      time.after(this.#hops(), () => {
        this.#gateway.do(GATEWAY_US, () => {
          instance.thread.do(RATING_US, () => this.#decide(instance, headers, back));
        });
      });
    });
  }

  /** Starts the processes of these instances if they do not run, from 1; default all. They listen a little later. */
  start(only?: number): void {
    for (const at of this.#chosen(only)) {
      const instance = this.#instances[at] as Instance;
      if (instance.running !== undefined) continue;
      instance.starting ??= this.#options.time.after(SERVICE_START_US, () => this.#listen(at));
    }
  }

  /** Ends the processes of these instances, from 1; default all. The requests that they have get no reply of theirs. */
  kill(only?: number): void {
    for (const at of this.#chosen(only)) {
      const instance = this.#instances[at] as Instance;
      const { running, starting } = instance;
      instance.running = undefined;
      instance.starting = undefined;
      starting?.cancel();
      running?.end();
      const lost = replyOf(describeFailure({ code: 'UND_ERR_SOCKET' }));
      for (const back of running?.open ?? []) back(lost);
      running?.open.clear();
    }
  }

  /** The ids of the processes of these instances; undefined for one that does not listen. */
  idsOf(only?: number): (string | undefined)[] {
    return this.#chosen(only).map((at) => {
      const running = this.#instances[at]?.running;
      return running?.isReady ? running.id : undefined;
    });
  }

  /** Why the last start of one of these instances has failed; undefined if none has. */
  failureOf(only?: number): OpenclawError | undefined {
    return this.#chosen(only)
      .map((at) => this.#instances[at]?.failure)
      .find((failure) => failure !== undefined);
  }

  #chosen(only: number | undefined): number[] {
    return [...this.#instances.keys()].filter((at) => only === undefined || only === at + 1);
  }

  #listen(at: number): void {
    const instance = this.#instances[at] as Instance;
    instance.starting = undefined;
    instance.failure = undefined;
    const { made, answer, end } = this.#options.start(at + 1);
    const id = `process ${++this.#started}`;
    const running = { ...{ answer, end, id, open: new Set<OnReply>() }, isReady: made === undefined };
    instance.running = running;
    made?.then(
      () => {
        running.isReady = true;
      },
      (error: OpenclawError) => {
        if (instance.running !== running) return; // killed meanwhile
        instance.running = undefined;
        instance.failure = error;
        end();
      },
    );
  }

  #decide({ running, thread }: Instance, headers: RequestHeaders, back: OnReply): void {
    if (running === undefined || !running.isReady) {
      back(replyOf(describeFailure({ code: 'ECONNREFUSED' })));
      return;
    }
    const { time } = this.#options;
    const { open } = running;
    open.add(back);
    time.wake();
    const answered = (reply: HttpReply) => {
      if (!open.has(back)) return; // its process has ended
      thread.do(RATING_US, () => {
        if (open.delete(back)) back(reply);
      });
    };
    running.answer(headers).then(answered, (error: unknown) => {
      time.at(time.nowUs, () => {
        throw error; // a mistake of ours ends the simulation
      });
    });
  }

  /** From the load to the gateway and on to a service, or back. */
  #hops(): number {
    const { random } = this.#options;
    return drawDelay(DIRECT_US, random) + drawDelay(DIRECT_US, random);
  }
}

function replyOf(problem: Problem): HttpReply {
  return { status: problem.status, headers: [], body: JSON.stringify(problem) };
}
