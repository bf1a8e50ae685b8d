import type { Decision } from '../../core/decision.ts';
import type { Cost, Limiter, Reservation, Settlement, Subject } from '../limiter.ts';
import { costOf, isByName, ownOf } from '../options/policies.ts';
import { deniedError } from '../options/reserve-options.ts';

export interface UnheldOptions {
  readonly id: string;
  readonly decision: Decision;
  /** The tokens asked for, by policy name. */
  readonly asked: Readonly<Record<string, number>>;
  readonly extend: Reservation['extend'];
}

/**
 * A reservation that was allowed without Redis, or denied. Redis holds no tokens for it, so its settlement gives none
 * back: what Redis may have been charged nevertheless stays spent, or expires.
 */
export function unheld({ id, decision, asked, extend }: UnheldOptions): Reservation {
  const { allowed, evidence } = decision;
  let held = Object.fromEntries(Object.entries(asked).map(([name, tokens]) => [name, allowed ? tokens : 0]));
  let settlement: Settlement | undefined;
  return {
    id,
    allowed,
    decision,
    get heldTokens() {
      return Math.min(Number.MAX_SAFE_INTEGER, ...Object.values(held));
    },
    get held() {
      return held;
    },
    expiresAtUs: undefined,
    get settlement() {
      return settlement;
    },
    async extend(cost) {
      if (!allowed) throw deniedError(id);
      const extension = await extend(cost);
      const more = Object.entries(held).map(([name, tokens]) => [name, tokens + (usedOf(cost, name) ?? 0)]);
      if (extension.allowed) held = Object.fromEntries(more);
      return extension;
    },
    async settle(actual) {
      if (!allowed) throw deniedError(id);
      if (settlement !== undefined) return { ...settlement, isRemembered: true };
      const used = Object.entries(held).map(([name, tokens]) => [name, usedOf(actual, name) ?? tokens]);
      settlement = { actual: Object.fromEntries(used), evidence };
      return settlement;
    },
  };
}

function usedOf(actual: Cost, name: string): number | undefined {
  return isByName(actual) ? ownOf(actual, name, undefined) : actual;
}

/** The tokens that a reservation asks for, by policy name. Throws INVALID_SUBJECT, INVALID_COST or COST_ABOVE_CAPACITY. */
export function askedOf(limiter: Limiter, subject: Subject, cost: Cost): Readonly<Record<string, number>> {
  return Object.fromEntries(
    limiter.policiesOf(subject).map((named) => [named.name, costOf(cost, named)] as const),
  );
}

/** The reservation with other methods. */
export function withMethods(
  inner: Reservation,
  { extend = inner.extend, settle = inner.settle }: Partial<Pick<Reservation, 'extend' | 'settle'>>,
): Reservation {
  return {
    id: inner.id,
    allowed: inner.allowed,
    decision: inner.decision,
    get heldTokens() {
      return inner.heldTokens;
    },
    get held() {
      return inner.held;
    },
    get expiresAtUs() {
      return inner.expiresAtUs;
    },
    get settlement() {
      return inner.settlement;
    },
    extend,
    settle,
  };
}
