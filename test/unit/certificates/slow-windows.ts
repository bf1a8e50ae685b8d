import type { WindowPromise } from '../../../src/core/promise.ts';
import type { Operation } from '../../../src/history/records/operation.ts';
import { type Step, stepsOf } from './changed-order.ts';
import type { Proof } from './slow-check.ts';

interface Placed extends Step {
  readonly operation: Operation;
}

/**
 * Decides whether a proof of a window promise is right, by the definition of each window and not step by step. Of histories
 * without decision ids, refunds, resets and failure policies, whose clock is `offsetUs` ahead.
 */
export function isValidWindows(
  proof: Proof,
  operations: readonly Operation[],
  { promise, offsetUs }: { readonly promise: WindowPromise; readonly offsetUs: number },
): boolean {
  const steps = stepsOf(proof);
  const begins = steps.filter(({ code }) => code === 2 * operations.length);
  const isWindow = promise.type === 'fixed-window';
  const placed = steps
    .filter((step) => !isWindow || !begins.includes(step))
    .map((step) => ({ ...step, operation: operations[step.code / 2] }));
  const rises = steps.every(({ atUs }, at) => atUs >= (steps[at - 1]?.atUs ?? atUs));
  if (!rises || !placed.every((one): one is Placed => isWithin(one, offsetUs))) return false;
  const ids = new Set(placed.map(({ code }) => code));
  const isDue = ({ outcome }: Operation) =>
    outcome === 'allowed' || (outcome === 'denied' && proof.proves === 'all');
  if (ids.size < placed.length || operations.some((one, at) => isDue(one) && !ids.has(2 * at))) return false;
  if (isWindow && !areWindows(steps, begins, promise)) return false;
  return placed.every((one, at) => {
    const before = placed.slice(0, at).filter(isCharge);
    if (promise.type === 'sliding-counter') return isCharge(one) && isWithinCounter(one, before, promise);
    const counting = before.filter((other) => counts(other, one, { steps, begins, promise }));
    const tokens = counting.reduce((sum, { operation }) => sum + operation.cost, one.operation.cost);
    return tokens <= promise.limit === isCharge(one);
  });
}

function isCharge({ operation }: Placed): boolean {
  return operation.outcome !== 'denied';
}

function isWithin(
  { operation, atUs }: Step & { operation: Operation | undefined },
  offsetUs: number,
): boolean {
  if (operation === undefined || operation.outcome === 'failed') return false;
  const untilUs = operation.completedUs ?? Number.POSITIVE_INFINITY;
  return atUs >= operation.invokedUs + offsetUs && atUs <= untilUs + offsetUs;
}

/** Every start is one that the promise knows, windows do not overlap, and every operation is in one. */
function areWindows(steps: readonly Step[], begins: readonly Step[], promise: WindowPromise): boolean {
  const { windowUs } = promise;
  const alignment = promise.type === 'fixed-window' && promise.alignment;
  return (
    begins.every(({ atUs }, at) => atUs >= (begins[at - 1]?.atUs ?? Number.NEGATIVE_INFINITY) + windowUs) &&
    begins.every(({ atUs }) => alignment !== 'epoch' || atUs % windowUs === 0) &&
    begins.every((begin) => alignment !== 'first' || steps[steps.indexOf(begin) + 1]?.atUs === begin.atUs) &&
    steps.every((step, at) => step.atUs < (windowOf(steps, begins, at)?.atUs ?? Number.NaN) + windowUs)
  );
}

function windowOf(steps: readonly Step[], begins: readonly Step[], at: number): Step | undefined {
  return begins.filter((begin) => steps.indexOf(begin) <= at).at(-1);
}

function counts(
  before: Placed,
  one: Placed,
  { steps, begins, promise }: { steps: readonly Step[]; begins: readonly Step[]; promise: WindowPromise },
): boolean {
  if (promise.type === 'sliding-window') return before.atUs > one.atUs - promise.windowUs;
  const at = (placed: Placed) => steps.findIndex(({ code }) => code === placed.code);
  return windowOf(steps, begins, at(before)) === windowOf(steps, begins, at(one));
}

/** From each admission on, at most N + 1 and what is gained since, N in each length. */
function isWithinCounter(
  one: Placed,
  before: readonly Placed[],
  { limit, windowUs }: WindowPromise,
): boolean {
  const all = [...before, one];
  return all.every((first, at) => {
    const tokens = all.slice(at).reduce((sum, { operation }) => sum + operation.cost, 0);
    return (tokens - limit - 1) * windowUs <= limit * (one.atUs - first.atUs);
  });
}
