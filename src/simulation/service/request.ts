import type { Linked } from '../../core/chain.ts';
import type { Problem } from '../../http/problem.ts';
import { GATEWAY_US, LOAD_US, RATING_US } from '../delays.ts';
import { NOT_PLANNED, type Planned } from '../planned.ts';
import type { VirtualTime } from '../virtual-time.ts';
import type { Thread, Work } from './machine.ts';
import type { HttpReply, RequestHeaders } from './rating-instance.ts';

/** What a request passes in its region. */
export interface Region {
  readonly time: VirtualTime;
  /** The threads of the load and of the gateway. */
  readonly load: Thread;
  readonly gateway: Thread;
  /** From the load to the gateway and on to a service, or back, microseconds. */
  hops(): number;
}

/** The service that a request goes to. */
export interface Service {
  readonly thread: Thread;
  /** Decides the request, which is answered or refused once. */
  decide(request: Request): void;
  /** Whether the request is open at its process; it is not afterwards. */
  close(request: Request): boolean;
  /** What the load gets of a reply. */
  passed(reply: HttpReply): HttpReply;
}

/**
 * A request on its way: load, gateway, service, and back. It is the work of the thread that it is at and happens when a hop
 * is over, so that the whole way needs one object. The chain is that of the open requests of the process that has it.
 */
export class Request implements Planned, Work, Linked<Request> {
  order = NOT_PLANNED;
  isLinked = false;
  before: Request | undefined;
  after: Request | undefined;
  us = LOAD_US;
  readonly headers: RequestHeaders;
  readonly #region: Region;
  readonly #service: Service;
  readonly #onReply: (reply: HttpReply) => void;
  #at: 'load' | 'gateway' | 'service' = 'load';
  /** It is on its way back with it. */
  #reply: HttpReply | undefined;

  constructor(
    region: Region,
    service: Service,
    headers: RequestHeaders,
    onReply: (reply: HttpReply) => void,
  ) {
    this.#region = region;
    this.#service = service;
    this.headers = headers;
    this.#onReply = onReply;
  }

  /** Begins its way. `onReply` is called once when its reply arrives at the load. */
  send(): void {
    this.#region.load.do(this);
  }

  /** The service has a reply, and sends it unless its process ends meanwhile. */
  answered(reply: HttpReply): void {
    this.#reply = reply;
    this.us = RATING_US;
    this.#service.thread.do(this);
  }

  /** The gateway has a reply to it. */
  back(reply: HttpReply): void {
    this.#reply = this.#service.passed(reply);
    this.#goTo('gateway', GATEWAY_US);
  }

  /** The process that has it has ended: the gateway has this reply. What is left of it there comes to nothing. */
  lost(reply: HttpReply): void {
    new Request(this.#region, this.#service, this.headers, this.#onReply).back(reply);
  }

  done(): void {
    if (this.#at === 'service') this.#decidedOrDecides();
    else if (this.#at === 'gateway' && this.#reply === undefined) this.#goTo('service', RATING_US);
    else if (this.#at === 'load' && this.#reply !== undefined) this.#onReply(this.#reply);
    else this.#region.time.plan(this, this.#region.time.nowUs + this.#region.hops());
  }

  /** It arrives at the gateway, or back at the load. */
  happen(): void {
    if (this.#reply === undefined) this.#goTo('gateway', GATEWAY_US);
    else this.#goTo('load', LOAD_US);
  }

  #decidedOrDecides(): void {
    if (this.#reply === undefined) this.#service.decide(this);
    else if (this.#service.close(this)) this.back(this.#reply);
  }

  #goTo(at: 'load' | 'gateway' | 'service', us: number): void {
    this.#at = at;
    this.us = us;
    if (at === 'service') this.#service.thread.do(this);
    else this.#region[at].do(this);
  }
}

/** The reply of a gateway that has none of a service. */
export function replyOf(problem: Problem): HttpReply {
  return { status: problem.status, headers: [], body: JSON.stringify(problem) };
}
