import type { Decision } from '../../../core/decision.ts';
import { inTurn } from '../../../core/in-turn.ts';
import type { Surroundings } from '../../../core/time.ts';
import type { Cost, Limiter, NamedPolicy, Reservation, Settlement } from '../../limiter.ts';
import type { Buckets } from '../../options/buckets.ts';
import { memoryKey } from '../../options/key.ts';
import { checkCostNames, costOf } from '../../options/policies.ts';
import { actualOf, deniedError, extensionOf, readReserveOptions } from '../../options/reserve-options.ts';
import type { RunWrites } from '../../redis/port.ts';
import { describeLevels, describeTakeAll } from './describe.ts';
import {
  type AskReservation,
  type Place,
  RefusedError,
  type ReservationReply,
  reservationScripts,
} from './reservation-scripts.ts';

export interface ReservingOptions extends Pick<Buckets, 'policiesOf' | 'keyOf'> {
  readonly surroundings: Surroundings;
  readonly run: RunWrites;
  readonly strategy: string;
  /** How long the record of a settled reservation is stored. */
  readonly decisionMemoryMs: number;
  /** How long that of an unsettled one is. */
  readonly reservationMemoryMs: number;
}

/** Makes `reserve` of a limiter that keeps reservations in Redis. */
export function reserving(options: ReservingOptions): Limiter['reserve'] {
  const { surroundings, run, strategy, policiesOf, keyOf, decisionMemoryMs, reservationMemoryMs } = options;
  const scripts = reservationScripts(run);
  const drawNumber = () => randomNumber(surroundings);
  return async (subject, reserveOptions) => {
    const { cost, id, expiresMs } = readReserveOptions(reserveOptions, () => surroundings.randomId());
    const key = keyOf(subject);
    const keys = [key, memoryKey(key, 'reserve', id)] as const;
    const placeNow = (): Place => ({ id, keys, policies: policiesOf(subject) }); // overrides may change
    const place = placeNow();
    checkCostNames(cost, place.policies);
    const tokens = place.policies.map((named) => costOf(cost, named));
    // With an expiry the record outlives it, so that a late settlement is refused by its reason.
    const memoryMs = Math.max(reservationMemoryMs, expiresMs === 0 ? 0 : expiresMs + decisionMemoryMs);
    const reply = await scripts.reserve(place, [drawNumber(), expiresMs * 1_000, memoryMs], tokens);
    return hold(reply, place, { placeNow, drawNumber, strategy, decisionMemoryMs, ...scripts });
  };
}

interface Holding {
  readonly placeNow: () => Place;
  readonly drawNumber: () => number;
  readonly strategy: string;
  readonly decisionMemoryMs: number;
  readonly extend: AskReservation;
  readonly settle: AskReservation;
}

/** The handle of a reservation. Its calls are sent one after the other. */
function hold(made: ReservationReply, { id, policies }: Place, holding: Holding): Reservation {
  const { placeNow, drawNumber, strategy } = holding;
  const names = policies.map(({ name }) => name);
  const extensions = new Extensions(made.extensions, drawNumber);
  let latest = made;
  let settlement = made.isSettled ? settlementOf(made, policies, { strategy, isKnown: false }) : undefined;
  const inOrder = inTurn();
  const ifHeld = <T>(work: () => Promise<T>): Promise<T> =>
    made.isAllowed ? inOrder(work) : Promise.reject(deniedError(id));

  /** Another process may have extended it: a refusal says what is held, too. */
  async function learning(asked: Promise<ReservationReply>): Promise<ReservationReply> {
    try {
      latest = await asked;
      return latest;
    } catch (error) {
      if (error instanceof RefusedError && error.reply.parts.length > 0) latest = error.reply;
      if (error instanceof RefusedError && error.code === 'RESERVATION_CHANGED')
        extensions.settle(error.reply.extensions);
      throw error;
    }
  }

  async function extend(cost: Cost): Promise<Decision> {
    const place = placeNow();
    const tokens = extensionOf(cost, place.policies);
    const { number, mark } = extensions.next(tokens);
    const reply = await learning(holding.extend(place, [made.number, number, mark], tokens));
    if (reply.isAllowed) extensions.settle(number);
    return decisionOf(reply, place.policies, strategy);
  }

  async function settle(actual: Cost): Promise<Settlement> {
    if (settlement !== undefined) return { ...settlement, isRemembered: true };
    const place = placeNow();
    const args = [made.number, holding.decisionMemoryMs];
    const reply = await learning(holding.settle(place, args, actualOf(actual, place.policies)));
    settlement = settlementOf(reply, place.policies, { strategy, isKnown: true });
    return settlement;
  }

  return {
    id,
    allowed: made.isAllowed,
    decision: decisionOf(made, policies, strategy),
    get heldTokens() {
      return Math.min(...latest.parts.map(({ heldTokens }) => heldTokens));
    },
    get held() {
      return Object.fromEntries(names.map((name, i) => [name, latest.parts[i]?.heldTokens ?? 0]));
    },
    get expiresAtUs() {
      return latest.expiresAtUs === 0 ? undefined : latest.expiresAtUs;
    },
    get settlement() {
      return settlement;
    },
    extend: (cost) => ifHeld(() => extend(cost)),
    settle: (actual) => ifHeld(() => settle(actual)),
  };
}

/**
 * Numbers the extensions of a reservation. One whose result is unknown keeps its number and mark while the next one has
 * the same cost, so that it is charged once.
 */
class Extensions {
  readonly #drawNumber: () => number;
  #made: number;
  #open: { readonly number: number; readonly mark: number; readonly cost: string } | undefined;

  constructor(made: number, drawNumber: () => number) {
    this.#made = made;
    this.#drawNumber = drawNumber;
  }

  next(tokens: readonly number[]): { readonly number: number; readonly mark: number } {
    const cost = tokens.join();
    if (this.#open?.cost !== cost)
      this.#open = { number: (this.#open?.number ?? this.#made) + 1, mark: this.#drawNumber(), cost };
    return this.#open;
  }

  /** The result of this number is known. */
  settle(number: number): void {
    this.#made = number;
    this.#open = undefined;
  }
}

function decisionOf(
  { isAllowed, isRemembered, atUs, bucketUs, node, parts }: ReservationReply,
  policies: readonly NamedPolicy[],
  strategy: string,
): Decision {
  const levels = parts.flatMap(({ levelQuanta, retryAfterUs }) => [levelQuanta, retryAfterUs]);
  const values = [Number(isAllowed), Number(isRemembered), atUs, bucketUs, ...levels];
  return describeTakeAll({ values, node }, policies, strategy);
}

/** `isKnown`: whether the levels in the reply are those of the settlement. */
function settlementOf(
  { isRemembered, atUs, bucketUs, node, parts }: ReservationReply,
  policies: readonly NamedPolicy[],
  { strategy, isKnown }: { readonly strategy: string; readonly isKnown: boolean },
): Settlement {
  const actual = Object.fromEntries(policies.map(({ name }, i) => [name, parts[i]?.settledTokens ?? 0]));
  const evidence = { strategy, node, source: 'redis' } as const;
  if (!isKnown) return { actual, evidence, isRemembered: true };
  const levels = parts.map(({ levelQuanta }) => levelQuanta);
  const [levelQuanta = 0, second] = levels;
  return {
    actual,
    level: describeLevels([atUs, bucketUs, ...levels], node, policies),
    evidence: { ...evidence, atUs, bucketUs, ...(second === undefined && { levelQuanta }) },
    ...(isRemembered && { isRemembered }),
  };
}

/** A random whole number below 2^53. */
function randomNumber(from: Surroundings): number {
  return (from.randomUpTo(2 ** 21) - 1) * 2 ** 32 + from.randomUpTo(2 ** 32) - 1;
}
