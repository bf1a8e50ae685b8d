import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Decision } from '../core/decision.ts';
import { type Charge, OpenclawError } from '../core/errors.ts';
import { HEADERS } from '../core/header-names.ts';
import { quoted } from '../core/printable.ts';
import type { Cost, Limiter, Reservation } from '../limiter/limiter.ts';
import { RequestError } from './request-error.ts';

/** What became of a settlement: `done`, or whether tokens may have come back in spite of an error. */
type Settled = 'done' | Charge;

/** The requests that say what they really cost, by their costs: a middleware passes these on as they are. */
export class Reserving {
  readonly #actual = new WeakMap<object, number>();
  /** By decision, then by request. */
  readonly #settled = new WeakMap<object, Settled>();

  /** The cost of a request, which is what it reserves if a header says what it really costs. Throws RequestError. */
  costOf(cost: Cost, header: unknown, policy: string): Cost {
    if (header === undefined) return cost;
    const actual = typeof header === 'string' && /^(0|[1-9]\d*)$/.test(header) ? Number(header) : Number.NaN;
    if (typeof cost !== 'number' || !(actual <= cost))
      throw new RequestError(
        `${HEADERS.actual} must be a whole number from 0 to the one cost of the request; found ${quoted(header)}`,
      );
    const reserved = { [policy]: cost };
    this.#actual.set(reserved, actual);
    return reserved;
  }

  /** A limiter that reserves what such a request may cost, and settles what it did cost before it decides. */
  limiterOf(limiter: Limiter): Limiter {
    return {
      ...limiter,
      take: (subject, options) => {
        const { cost } = options ?? {};
        const actual = typeof cost === 'object' ? this.#actual.get(cost) : undefined;
        return actual === undefined
          ? limiter.take(subject, options)
          : this.#reserve(() => limiter.reserve(subject, options), actual);
      },
    };
  }

  /** Called for each decision. */
  readonly noteDecision = (decision: object, request: object): void => {
    const settled = this.#settled.get(decision);
    if (settled !== undefined) this.#settled.set(request, settled);
  };

  /** What became of the settlement of this request; undefined if it has none. */
  settledOf(request: object): Settled | undefined {
    return this.#settled.get(request);
  }

  async #reserve(reserve: () => Promise<Reservation>, actual: number): Promise<Decision> {
    const reservation = await reserve();
    const { decision } = reservation;
    if (reservation.allowed) this.#settled.set(decision, await settle(() => reservation.settle(actual)));
    return decision;
  }

  /** Says in the reply to a request what became of its settlement. */
  readonly addHeader = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const settled = this.settledOf(request);
    if (settled !== undefined) reply.header(HEADERS.settled, settled);
  };
}

async function settle(act: () => Promise<unknown>): Promise<Settled> {
  try {
    await act();
    return 'done';
  } catch (error) {
    return error instanceof OpenclawError ? error.charge : 'possible';
  }
}
