import type { Decision, Evidence } from '../core/decision.ts';
import type { NamedPolicy } from '../core/policies.ts';
import type { Policy } from '../core/policy.ts';

export type { NamedPolicy } from '../core/policies.ts';

/** The owner of a bucket: one user at one endpoint. Both are 1 to 256 bytes without control characters. */
export interface Subject {
  readonly user: string;
  readonly endpoint: string;
}

/** Whole tokens, from 1 to the capacity: the same for every policy, or by policy name. A missing name costs 1. */
export type Cost = number | Readonly<Record<string, number>>;

export interface TakeOptions {
  /** Default 1. */
  readonly cost?: Cost;
  /**
   * 1 to 128 letters, digits and `_ . : + / = -`. A repeated take of the subject with the same id returns the first
   * admission and charges nothing, whatever its cost, for `decisionMemoryMs` of the limiter. Denials are not stored.
   * Never accept an id from an end user: a caller who chooses it can replay an admission without being charged.
   */
  readonly decisionId?: string;
}

export interface RefundOptions {
  /** Default 1. */
  readonly cost?: Cost;
  /** As in `TakeOptions`: a repeated refund with the same id has no effect. Takes and refunds do not share ids. */
  readonly decisionId?: string;
}

export interface ReserveOptions {
  /** The most that the work may cost: taken now, and given back in part by `settle`. Default 1. */
  readonly cost?: Cost;
  /**
   * As in `TakeOptions`, the reservation's id; default a random one. Another process that reserves with the same id
   * resumes the reservation.
   */
  readonly decisionId?: string;
  /**
   * Gives all held tokens back if the reservation is not settled, for example because its process died, this long after
   * it was made or last extended, by the server's clock. Milliseconds, 1 to 604800000. Default never. At most 64 such
   * reservations of one subject are held at a time; then RESERVATIONS_FULL.
   */
  readonly expiresMs?: number;
}

/** Tokens that are held for work whose cost is not known yet. */
export interface Reservation {
  readonly id: string;
  readonly allowed: boolean;
  /** The first admission, or the denial. */
  readonly decision: Decision;
  /** The tokens held, with those of extensions; with several policies, the fewest. `settle` accepts up to this number. */
  readonly heldTokens: number;
  /** The tokens held, by policy name. */
  readonly held: Readonly<Record<string, number>>;
  /** By the server's clock, microseconds since 1970. Undefined without `expiresMs`. */
  readonly expiresAtUs: number | undefined;
  /** The settlement, once one is known: also at once, if the reservation that was resumed is settled already. */
  readonly settlement: Settlement | undefined;
  /**
   * Takes more tokens and holds them too, or denies and takes none. The same cost again after an error with `charge:
   * 'possible'` is the same extension, and is charged once. By policy name, a missing name costs nothing. An allowed
   * extension renews `expiresMs`. Rejects with RESERVATION_UNKNOWN, RESERVATION_EXPIRED, RESERVATION_SETTLED or
   * RESERVATION_CHANGED, or as `take` does.
   */
  extend(cost: Cost): Promise<Decision>;
  /**
   * Gives back what was held above `actual`, once: a repeated settle returns the first settlement. 0 to the tokens held,
   * or ACTUAL_ABOVE_HELD. By policy name, of a missing name nothing is given back. Rejects with RESERVATION_UNKNOWN or
   * RESERVATION_EXPIRED, or as `refund` does.
   */
  settle(actual: Cost): Promise<Settlement>;
}

/** The result of a settlement. */
export interface Settlement {
  /** The tokens that stay spent, by policy name. */
  readonly actual: Readonly<Record<string, number>>;
  /**
   * The level afterwards. Absent if Redis holds no such reservation, because a failure policy or shadow mode allowed it,
   * and if the reservation was settled before it was resumed.
   */
  readonly level?: Level;
  readonly evidence: Evidence;
  /** The reservation had been settled before; nothing more was given back. */
  readonly isRemembered?: true;
}

/** Where the bucket of a subject with a home is. */
export interface Home {
  readonly region: string;
  /** The slot of its key, which the region's primaries own as the homes table says. */
  readonly slot: number;
  readonly key: string;
  /** The nodes of the region by `host:port`; empty if the table does not name them. */
  readonly nodes: readonly string[];
}

export interface RehomeOptions {
  /** The region that the bucket leaves; absent: the key without a home. */
  readonly from?: string;
  /** The region that the bucket moves to, another one; absent: the key without a home. */
  readonly to?: string;
  /** The number of the move: a whole number of at least 1, higher than those of earlier moves of the subject. */
  readonly move: number;
  /**
   * How long the old home answers BUCKET_MOVED, and the move may be repeated: longer than any process may still ask
   * there. Milliseconds, at most 366 days; at least a minute longer than the bucket takes to fill. Default 7 days.
   */
  readonly keepMs?: number;
}

/** A bucket that moved, with the level that it moved with; with several policies, that with the fewest tokens. */
export interface Moved {
  readonly levelQuanta: number;
  readonly remainingTokens: number;
  /** The level of each policy, if the limiter has several. */
  readonly policies?: readonly Pick<PolicyLevel, 'policy' | 'levelQuanta' | 'remainingTokens'>[];
  /** The Redis servers that it left and came to, `host:port`. */
  readonly nodes: { readonly from: string; readonly to: string };
  /** The move had ended before; nothing changed now. */
  readonly isRepeated?: true;
}

/** The current level of one policy's bucket, in quanta and whole tokens. Times are in microseconds from now. */
export interface PolicyLevel {
  readonly policy: string;
  readonly levelQuanta: number;
  readonly remainingTokens: number;
  readonly timeToNextTokenUs: number;
  readonly timeToFullUs: number;
}

/** The current level of a subject's bucket; with several policies, of the policy with the fewest tokens. */
export interface Level extends Omit<PolicyLevel, 'policy'> {
  /** The Redis server that answered, `host:port`. */
  readonly node: string;
  /** Its time, microseconds since 1970. */
  readonly atUs: number;
  /** The level of each policy, if the limiter has several. */
  readonly policies?: readonly PolicyLevel[];
}

/**
 * A token-bucket limiter. Its methods reject with an OpenclawError. `charge` of the error is `none` if certainly no tokens
 * were taken or given back, and `possible` if the request was sent and no usable reply came.
 */
export interface Limiter {
  readonly strategy: string;
  /** The first policy, without overrides. */
  readonly policy: Policy;
  /** The policies of a subject, in their order. Throws INVALID_SUBJECT, or an error of the overrides. */
  policiesOf(subject: Subject): readonly NamedPolicy[];
  /**
   * The home of a subject, or undefined if it has none. Only of a limiter with `homes`. Throws INVALID_SUBJECT, and
   * INVALID_OPTION if `regionOf` names no region of the homes table.
   */
  homeOf?(subject: Subject): Home | undefined;
  /** Takes the cost from every policy's bucket, or denies and takes no tokens. */
  take(subject: Subject, options?: TakeOptions): Promise<Decision>;
  /** Reads the level without taking. Rejects with INVALID_OPTION if the strategy keeps no level. */
  peek(subject: Subject): Promise<Level>;
  /**
   * Gives tokens back to each bucket, up to its capacity, and returns the level afterwards. In a history this is an
   * operation with a negative cost. Rejects with INVALID_OPTION if the strategy cannot refund.
   */
  refund(subject: Subject, options?: RefundOptions): Promise<Level>;
  /**
   * Takes the most that some work may cost, and holds it until the work is settled at what it did cost; or denies and
   * takes no tokens. In a history this is one operation. Rejects with INVALID_OPTION if the strategy cannot reserve.
   */
  reserve(subject: Subject, options?: ReserveOptions): Promise<Reservation>;
  /** Fills the subject's buckets; stored decision ids stay. In a history this is an event `reset`. */
  reset(subject: Subject): Promise<void>;
  /**
   * Moves the subject's bucket to another home, with its level. Calls for it reject with BUCKET_MOVING meanwhile. Let
   * `regionOf` name the new home once this resolves; after an error, repeat it with the same number. Rejects with
   * MOVE_REFUSED, or with INVALID_OPTION without `homes` or if the strategy cannot move buckets.
   */
  rehome(subject: Subject, options: RehomeOptions): Promise<Moved>;
  /** Resolves once Redis answers; rejects if it does not answer within the command timeout. */
  ready(): Promise<void>;
  /**
   * Refuses new calls with LIMITER_CLOSED, waits for those in flight, two seconds at most, then closes the limiter's
   * connections.
   */
  close(): Promise<void>;
}
