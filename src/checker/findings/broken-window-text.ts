import type { WindowPromise } from '../../core/promise.ts';
import { count, rounded } from '../../core/units.ts';
import { type BrokenWindow, type BrokenWindows, lengthOf } from '../windows/broken-windows.ts';
import { isDate } from '../windows/clock.ts';

interface Proof {
  readonly first: BrokenWindow;
  readonly promise: WindowPromise;
  /** Of the operations of the proof. */
  readonly admitted: number;
  readonly fromUs: number;
  readonly untilUs: number;
}

/**
 * What a bucket admitted in its first broken window, by the operations of the proof, and why that is too much; and the
 * worst window, if that holds more. A sentence whose subject is the bucket.
 */
export function brokenWindowText(found: BrokenWindows, proof: Proof): string {
  const { first, promise, admitted, fromUs, untilUs } = proof;
  const { allowance, pieces } = first;
  const moments = `between ${momentOf(fromUs)} and ${momentOf(untilUs)}`;
  if (pieces !== undefined)
    return `admitted at least ${first.admitted} tokens in one window of ${secondsOf(promise.windowUs)} ${moments}, wherever the windows start, so at most ${allowance} (proof: ${pieces.length} windows that together cover every start)`;
  if (first.together !== undefined) return togetherText(first.together, { moments, admitted });
  const { worst = first } = found;
  const isWorse = worst.admitted - worst.allowance > admitted - allowance;
  const more = isWorse
    ? `; the worst: ${worst.admitted} of ${worst.allowance} within ${secondsOf(lengthOf(worst))}, until ${momentOf(worst.endUs)}`
    : '';
  const why = whyNoMore(promise, { ...proof, isUnopened: found.openings !== undefined });
  return `admitted ${count(admitted, 'token')} ${moments}: ${why}, so at most ${allowance}${more}`;
}

/** Of windows that refunds excuse one by one, but not all together. */
function togetherText(
  { windows, returned }: NonNullable<BrokenWindow['together']>,
  { moments, admitted }: { readonly moments: string; readonly admitted: number },
): string {
  const allowed = windows.reduce((sum, { allowance }) => sum + allowance, 0);
  return (
    `admitted ${count(admitted, 'token')} in ${windows.length} spans ${moments}, that may hold ${allowed}: ` +
    `${returned} can have come back, each token once, so at most ${allowed + returned}`
  );
}

/** Why a span holds no more than its allowance. Of a counter, see `counterAllowance`. */
function whyNoMore(
  promise: WindowPromise,
  { first, fromUs, untilUs, isUnopened }: Proof & { readonly isUnopened: boolean },
): string {
  const { touches = 1, allowance } = first;
  const { limit, windowUs } = promise;
  const [span, window] = [`a span of ${secondsOf(untilUs - fromUs)}`, secondsOf(windowUs)];
  const base = touches * limit;
  const returned = allowance > base ? `, and ${allowance - base} can have come back` : '';
  if (promise.type === 'sliding-counter')
    return `a counter of ${limit} in ${window} may admit ${allowance} in less than ${secondsOf(lengthOf(first))}`;
  if (promise.type === 'sliding-window')
    return `${span} is shorter than a window of ${window}, of ${limit}${returned}`;
  if (touches > 1)
    return `${span} touches at most ${touches} windows of ${window}, of ${limit} each${returned}`;
  const place = isUnopened ? 'no request can have opened a second window in it' : 'it is within one';
  return `${span} touches 1 window of ${window}, of ${limit}, since ${place}${returned}`;
}

/** By the clock of the history. */
function momentOf(us: number): string {
  return isDate(us) ? new Date(us / 1_000).toISOString() : secondsOf(us);
}

function secondsOf(us: number): string {
  return `${rounded(us / 1_000_000, 6)} s`;
}
