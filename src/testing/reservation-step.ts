import type { Evidence } from '../core/decision.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Outcome } from '../history/records/operation.ts';
import type { Cost } from '../limiter/limiter.ts';
import type { Moment } from './clock.ts';

/** One call on a reservation, and its repetitions. It is `info` until a reply says what it did. */
export interface Step {
  /** What was asked for; after an answer, what was done. */
  costs: readonly Cost[];
  invokedUs: number;
  completedUs: number | null;
  outcome: Outcome;
  decision: Evidence | undefined;
  /** How many attempts have no end yet. */
  pending: number;
  /** Whether an attempt ended without a reply, so that it may take effect. */
  isLost: boolean;
}

/** How an attempt ended; `actual`: what the reservation was settled at. */
export interface Ended {
  readonly outcome: Outcome;
  readonly decision?: Evidence;
  readonly error?: string;
  readonly actual?: Cost;
}

/** One call of `extend`. */
export interface Extension extends Step {
  /** The handle that was asked: each numbers its extensions for itself. */
  readonly by: symbol;
  error: string | undefined;
}

export function stepAt(cost: Cost, invokedUs: number): Step {
  return {
    ...{ costs: [cost], invokedUs, completedUs: null, outcome: 'info', decision: undefined },
    ...{ pending: 0, isLost: false },
  };
}

/** An admission decides. A refusal does only if no other attempt may still take effect. */
export function end(step: Step, { outcome, decision, actual }: Ended, { upUs }: Moment): void {
  step.pending--;
  if (step.outcome === 'allowed') return;
  if (outcome === 'info') step.isLost = true;
  if (outcome === 'info' || (outcome !== 'allowed' && (step.isLost || step.pending > 0))) return;
  step.outcome = outcome;
  step.completedUs = upUs;
  step.decision = decision;
  if (actual !== undefined) step.costs = [actual];
}

/** Refusals before an extension is numbered. */
const UNNUMBERED: ReadonlySet<string | undefined> = new Set<ErrorCode>([
  'INVALID_COST',
  'COST_ABOVE_CAPACITY',
  'INVALID_POLICY',
  'INVALID_OPTION',
]);

/**
 * The extensions that were made or may have been, and the denials, by the rule of `extend`: after a lost reply the same
 * cost again is the same extension, from its first start on, until one is allowed or another cost is asked for.
 */
export function joined(
  calls: readonly Extension[],
  tokensOf: (call: Extension) => readonly number[],
): readonly Extension[] {
  const steps: Extension[] = [];
  const open = new Map<symbol, { readonly tokens: string; lost?: Extension }>();
  for (const call of calls) {
    if (call.outcome === 'failed' && UNNUMBERED.has(call.error)) continue;
    const tokens = tokensOf(call).join();
    const known = open.get(call.by);
    const same = known?.tokens === tokens ? known : { tokens };
    open.set(call.by, same);
    const mayBeMade = call.outcome === 'allowed' || call.outcome === 'info';
    const step = { ...call };
    if (same.lost !== undefined && mayBeMade)
      Object.assign(same.lost, call, { invokedUs: same.lost.invokedUs });
    else if (call.outcome !== 'failed') steps.push(step);
    if (call.isLost) same.lost ??= step;
    const isPending = call.outcome === 'info' && !call.isLost; // it may be allowed
    if (call.outcome === 'allowed' || isPending || call.error === 'RESERVATION_CHANGED') open.delete(call.by);
  }
  return steps;
}
