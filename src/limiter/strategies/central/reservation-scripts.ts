import { type ErrorCode, OpenclawError } from '../../../core/errors.ts';
import type { NamedPolicy } from '../../limiter.ts';
import { aboveHeldError, IS_SETTLED } from '../../options/reserve-options.ts';
import type { RunWrites } from '../../redis/port.ts';
import { loadScript, policyArgs, type Script } from '../../redis/script.ts';

/** A reservation in Redis, and the policies of its subject now. */
export interface Place {
  readonly id: string;
  /** The keys of the bucket and of the record. */
  readonly keys: readonly [bucket: string, record: string];
  readonly policies: readonly NamedPolicy[];
}

/** The reply of `lua/reserve.lua`, `lua/extend.lua` and `lua/settle.lua`. */
export interface ReservationReply {
  /** Whether the tokens are held, or are settled; false for a denial. */
  readonly isAllowed: boolean;
  readonly isRemembered: boolean;
  readonly atUs: number;
  readonly bucketUs: number;
  /** Random: tells this reservation from another one of the same id. */
  readonly number: number;
  /** The number of extensions so far. */
  readonly extensions: number;
  /** 0 for never. */
  readonly expiresAtUs: number;
  readonly isSettled: boolean;
  readonly node: string;
  /** For each policy, in their order. */
  readonly parts: readonly PartReply[];
}

export interface PartReply {
  readonly levelQuanta: number;
  readonly retryAfterUs: number;
  readonly heldTokens: number;
  /** The tokens that stay spent, if it is settled. */
  readonly settledTokens: number;
}

/** Runs the script with its own arguments and the tokens of each policy. Throws what the script refuses. */
export type AskReservation = (
  place: Place,
  args: readonly number[],
  tokens: readonly number[],
) => Promise<ReservationReply>;

/** What a script refused; `reply` is the reservation as it found it, without parts if it is unknown. */
export class RefusedError extends OpenclawError {
  readonly reply: ReservationReply;

  constructor(code: ErrorCode, message: string, reply: ReservationReply) {
    super(code, message);
    this.reply = reply;
  }
}

/** The scripts of reservations. An admission or a settlement, also a repeated one, waits for the replicas with `acked`. */
export function reservationScripts(
  run: RunWrites,
): Readonly<Record<'reserve' | 'extend' | 'settle', AskReservation>> {
  const asking =
    (script: Script): AskReservation =>
    async (place, args, tokens) => {
      const { values, node, acked } = await run(script, place.keys, [
        ...args.map(String),
        ...place.policies.flatMap(({ policy }, i) => [...policyArgs(policy), String(tokens[i] ?? 0)]),
      ]);
      const [status = 0] = values;
      const reply = readReply(values, node);
      if (status > 1) throw refusal(status, reply, place, tokens);
      if (reply.isAllowed) await acked?.();
      return reply;
    };
  return {
    reserve: asking(loadScript('reserve')),
    extend: asking(loadScript('extend')),
    settle: asking(loadScript('settle')),
  };
}

const PART = 4;

function readReply(values: readonly number[], node: string): ReservationReply {
  const [status, remembered, atUs = 0, bucketUs = 0, number = 0, extensions = 0, expiresAtUs = 0, settled] =
    values;
  const parts = values.slice(8);
  return {
    isAllowed: status === 1,
    isRemembered: remembered === 1,
    ...{ atUs, bucketUs, number, extensions, expiresAtUs, node },
    isSettled: settled === 1,
    parts: Array.from({ length: parts.length / PART }, (_, i): PartReply => {
      const [levelQuanta = 0, retryAfterUs = 0, heldTokens = 0, settledTokens = 0] = parts.slice(PART * i);
      return { levelQuanta, retryAfterUs, heldTokens, settledTokens };
    }),
  };
}

const REFUSED: Readonly<Record<number, readonly [code: ErrorCode, message: string]>> = {
  2: ['RESERVATION_UNKNOWN', 'is not stored: its record was lost, or is older than its memory'],
  3: ['RESERVATION_EXPIRED', 'holds no tokens: it has expired, or its bucket was reset'],
  4: ['RESERVATION_SETTLED', IS_SETTLED],
  5: ['RESERVATION_CHANGED', 'was extended by another process; nothing was charged now'],
  7: ['RESERVATIONS_FULL', 'was not made: this subject has 64 reservations with expiresMs'],
  8: ['RESERVATION_UNKNOWN', 'is not stored any more: another one was made with its id since'],
};

function refusal(status: number, reply: ReservationReply, place: Place, tokens: readonly number[]): Error {
  const known = REFUSED[status];
  if (known === undefined) return aboveHeld(reply, place, tokens);
  const [code, message] = known;
  return new RefusedError(code, `reservation ${place.id} ${message}`, reply);
}

function aboveHeld(reply: ReservationReply, { id, policies }: Place, tokens: readonly number[]): Error {
  const at = reply.parts.findIndex(({ heldTokens }, i) => (tokens[i] ?? 0) > heldTokens);
  const [name, found] = [policies[at]?.name ?? '', tokens[at] ?? 0];
  const { code, message } = aboveHeldError(id, { name, held: reply.parts[at]?.heldTokens ?? 0, found });
  return new RefusedError(code, message, reply);
}
