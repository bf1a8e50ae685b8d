import type { Decision } from '../../core/decision.ts';
import { inTurn } from '../../core/in-turn.ts';
import type { Cost, Limiter, NamedPolicy, Reservation, Settlement, Subject } from '../limiter.ts';
import { isByName, ownOf } from '../options/policies.ts';
import {
  aboveHeldError,
  actualOf,
  deniedError,
  extensionOf,
  settledError,
} from '../options/reserve-options.ts';

export interface UnheldOptions {
  readonly id: string;
  readonly decision: Decision;
  /** The tokens asked for, by policy name. */
  readonly asked: Readonly<Record<string, number>>;
  /** The policies of its subject now. */
  readonly policies: () => readonly NamedPolicy[];
  /** Decides an extension of so many tokens of each policy. */
  readonly extend: (tokens: readonly number[]) => Decision;
}

/**
 * A reservation that was allowed without Redis, or denied. Redis holds no tokens for it, so its settlement gives none
 * back: what Redis may have been charged nevertheless stays spent, or expires. It refuses what one in Redis refuses.
 */
export function unheld({ id, decision, asked, policies, extend }: UnheldOptions): Reservation {
  const { allowed, evidence } = decision;
  const inOrder = inTurn();
  let held = allowed ? asked : Object.fromEntries(Object.keys(asked).map((name) => [name, 0]));
  let settlement: Settlement | undefined;

  async function extendBy(cost: Cost): Promise<Decision> {
    if (!allowed) throw deniedError(id);
    const tokens = extensionOf(cost, policies());
    if (settlement !== undefined) throw settledError(id);
    const extension = extend(tokens);
    if (extension.allowed) held = withMore(held, cost);
    return extension;
  }

  async function settleAt(actual: Cost): Promise<Settlement> {
    if (!allowed) throw deniedError(id);
    if (settlement !== undefined) return { ...settlement, isRemembered: true };
    const names = Object.keys(held).map((name) => ({ name }));
    const used = actualOf(actual, names).map((tokens, at) => {
      const { name } = names[at] as { name: string };
      const most = held[name] ?? 0;
      if (tokens > most) throw aboveHeldError(id, { name, held: most, found: tokens });
      return [name, tokens < 0 ? most : tokens] as const;
    });
    settlement = { actual: Object.fromEntries(used), evidence };
    return settlement;
  }

  return {
    id,
    allowed,
    decision,
    get heldTokens() {
      return fewest(held);
    },
    get held() {
      return held;
    },
    expiresAtUs: undefined,
    get settlement() {
      return settlement;
    },
    extend: (cost) => inOrder(() => extendBy(cost)),
    settle: (actual) => inOrder(() => settleAt(actual)),
  };
}

/** The tokens of the policy with the fewest. */
function fewest(held: Reservation['held']): number {
  return Math.min(Number.MAX_SAFE_INTEGER, ...Object.values(held));
}

/** The tokens held with those of an extension. */
export function withMore(held: Reservation['held'], cost: Cost): Reservation['held'] {
  const more = Object.entries(held).map(([name, tokens]) => [name, tokens + tokensOf(cost, name, 0)]);
  return Object.fromEntries(more);
}

/** The tokens that a reservation asks for, by policy name. Throws INVALID_SUBJECT. */
export function askedOf(limiter: Limiter, subject: Subject, cost: Cost): Reservation['held'] {
  return Object.fromEntries(limiter.policiesOf(subject).map(({ name }) => [name, tokensOf(cost, name, 1)]));
}

/** Of a cost that was refused, what counts as tokens. */
function tokensOf(cost: Cost, name: string, missing: number): number {
  const tokens = isByName(cost) ? ownOf(cost, name, missing) : cost;
  return Number.isSafeInteger(tokens) && tokens > 0 ? tokens : 0;
}

/** The reservation with other methods. `held`: what it says it holds. */
export function withMethods(
  inner: Reservation,
  {
    extend = inner.extend,
    settle = inner.settle,
    held,
  }: Partial<Pick<Reservation, 'extend' | 'settle'>> & { readonly held?: () => Reservation['held'] },
): Reservation {
  return {
    id: inner.id,
    allowed: inner.allowed,
    decision: inner.decision,
    get heldTokens() {
      return held === undefined ? inner.heldTokens : fewest(held());
    },
    get held() {
      return held?.() ?? inner.held;
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
