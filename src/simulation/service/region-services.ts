import { HEADERS } from '../../core/header-names.ts';
import type { Random } from '../../core/prng.ts';
import type { Timer } from '../../core/time.ts';
import type { Problem } from '../../http/problem.ts';
import { describeFailure } from '../../rating/services-in-turn.ts';
import { DIRECT_US, drawDelay, GATEWAY_US, RATING_US, SERVICE_START_US } from '../delays.ts';
import type { VirtualTime } from '../virtual-time.ts';
import { Processor } from './processor.ts';
import type { HttpReply, RequestHeaders } from './rating-instance.ts';

type Answer = (headers: RequestHeaders) => Promise<HttpReply>;
type OnReply = (reply: HttpReply) => void;

/** The requests that an instance has, by their ways back. */
type Open = Set<OnReply>;

interface Instance {
  readonly processor: Processor;
  /** Undefined while its process does not listen. */
  running: Running | undefined;
  /** The start of its process. */
  starting: Timer | undefined;
}

interface Running {
  readonly id: string;
  readonly answer: Answer;
  readonly end: () => void;
  readonly open: Open;
}

export interface RegionServicesOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly instances: number;
  /** Starts the process of an instance, from 1. */
  readonly start: (instance: number) => { readonly answer: Answer; readonly end: () => void };
}

/**
 * The gateway of a region and its Rating services: requests go to these in turn, each is passed on once. Each process has
 * one thread. Left out: the limit of connections to a service, and time-outs of the gateway, which are longer than those of
 * a limiter.
 */
export class RegionServices {
  readonly #options: RegionServicesOptions;
  readonly #gateway = new Processor();
  readonly #instances: readonly Instance[];
  #turn = 0;
  #started = 0;

  constructor(options: RegionServicesOptions) {
    this.#options = options;
    this.#instances = Array.from({ length: options.instances }, () => ({
      ...{ processor: new Processor(), running: undefined, starting: undefined },
    }));
    for (const at of this.#instances.keys()) this.#listen(at);
  }

  /** Sends a request to the gateway; calls back once when its reply arrives. */
  send(headers: RequestHeaders, onReply: OnReply): void {
    const { time } = this.#options;
    const at = this.#turn;
    this.#turn = (at + 1) % this.#instances.length;
    const instance = this.#instances[at] as Instance;
    const passedUs = this.#gateway.done(time.nowUs + this.#hop(), GATEWAY_US);
    const back = (reply: HttpReply) => {
      const named = this.#instances.length === 1 ? [] : [HEADERS.instance, String(at + 1)];
      const repliedUs = this.#gateway.done(time.nowUs + this.#hop(), GATEWAY_US);
      const whole = named.length === 0 ? reply : { ...reply, headers: [...reply.headers, ...named] };
      time.at(repliedUs + this.#hop(), () => onReply(whole));
    };
    const decidesUs = instance.processor.done(passedUs + this.#hop(), RATING_US);
    time.at(decidesUs, () => this.#decide(instance, headers, back));
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
    return this.#chosen(only).map((at) => this.#instances[at]?.running?.id);
  }

  #chosen(only: number | undefined): number[] {
    return [...this.#instances.keys()].filter((at) => only === undefined || only === at + 1);
  }

  #listen(at: number): void {
    const instance = this.#instances[at] as Instance;
    instance.starting = undefined;
    instance.running = { ...this.#options.start(at + 1), id: `process ${++this.#started}`, open: new Set() };
  }

  #decide({ running, processor }: Instance, headers: RequestHeaders, back: OnReply): void {
    if (running === undefined) {
      back(replyOf(describeFailure({ code: 'ECONNREFUSED' })));
      return;
    }
    const { time } = this.#options;
    const { open } = running;
    open.add(back);
    time.wake();
    const answered = (reply: HttpReply) => {
      if (!open.has(back)) return; // its process has ended
      time.at(processor.done(time.nowUs, RATING_US), () => {
        if (open.delete(back)) back(reply);
      });
    };
    running.answer(headers).then(answered, (error: unknown) => {
      time.at(time.nowUs, () => {
        throw error; // a mistake of ours ends the simulation
      });
    });
  }

  #hop(): number {
    return drawDelay(DIRECT_US, this.#options.random);
  }
}

function replyOf(problem: Problem): HttpReply {
  return { status: problem.status, headers: [], body: JSON.stringify(problem) };
}
