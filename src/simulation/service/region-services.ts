import type { OpenclawError } from '../../core/errors.ts';
import type { Random } from '../../core/prng.ts';
import { describeFailure } from '../../rating/services-in-turn.ts';
import { DIRECT_US, drawDelay, SERVICE_START_US } from '../delays.ts';
import type { VirtualTime } from '../virtual-time.ts';
import { Instance, type StartInstance } from './instance.ts';
import type { Machine, Thread } from './machine.ts';
import type { HttpReply, RequestHeaders } from './rating-instance.ts';
import { type Region, Request, replyOf } from './request.ts';

export interface RegionServicesOptions {
  readonly time: VirtualTime;
  /** On which they run, and the load. */
  readonly machine: Machine;
  readonly random: Random;
  readonly instances: number;
  /** Starts the process of an instance, from 1. It listens once `made` resolves, by default at once; a rejection ends it. */
  readonly start: StartInstance;
}

/**
 * The gateway of a region and its Rating services: requests go to these in turn, each is passed on once. Each process has
 * one thread, and so has the load in the region. Left out: the limit of connections to a service, and time-outs of the
 * gateway, which are longer than those of a limiter.
 */
export class RegionServices implements Region {
  readonly time: VirtualTime;
  readonly load: Thread;
  readonly gateway: Thread;
  readonly #random: Random;
  readonly #instances: readonly Instance[];
  #turn = 0;

  constructor({ time, machine, random, instances, start }: RegionServicesOptions) {
    this.time = time;
    this.load = machine.load;
    this.gateway = machine.thread();
    this.#random = random;
    this.#instances = Array.from({ length: instances }, (_, at) => {
      const name = instances === 1 ? undefined : String(at + 1);
      const thread = machine.thread();
      return new Instance({ time, thread, name, start: () => start(at + 1, thread) });
    });
    for (const instance of this.#instances) instance.listen();
  }

  /** Sends a request to the gateway; calls back once when its reply arrives. */
  send(headers: RequestHeaders, onReply: (reply: HttpReply) => void): void {
    const at = this.#turn;
    this.#turn = (at + 1) % this.#instances.length;
    new Request(this, this.#instances[at] as Instance, headers, onReply).send();
  }

  /** Starts the processes of these instances if they do not run, from 1; default all. They listen a little later. */
  start(only?: number): void {
    for (const instance of this.#chosen(only)) instance.startIn(SERVICE_START_US);
  }

  /** Ends the processes of these instances, from 1; default all. The requests that they have get no reply of theirs. */
  kill(only?: number): void {
    const lost = replyOf(describeFailure({ code: 'UND_ERR_SOCKET' }));
    for (const instance of this.#chosen(only)) instance.kill(lost);
  }

  /** The ids of the processes of these instances; undefined for one that does not listen. */
  idsOf(only?: number): (string | undefined)[] {
    return this.#chosen(only).map(({ id }) => id);
  }

  /** Why the last start of one of these instances has failed; undefined if none has. */
  failureOf(only?: number): OpenclawError | undefined {
    return this.#chosen(only).find(({ failure }) => failure !== undefined)?.failure;
  }

  hops(): number {
    const random = this.#random;
    return drawDelay(DIRECT_US, random) + drawDelay(DIRECT_US, random);
  }

  #chosen(only: number | undefined): readonly Instance[] {
    return this.#instances.filter((_, at) => only === undefined || only === at + 1);
  }
}
