import type { LevelOperation } from '../proofs/level-band.ts';
import { type AlignedWindows, insideOf, windowNumber } from './aligned.ts';

/** The span of a moment: so many microseconds that end with it, or the window of the epoch that holds it. */
export type CountedSpan = { readonly lengthUs: number } | AlignedWindows;

/** Tokens over time, as steps: each count holds from its time, in microseconds, to the next one. */
export interface WindowCounts {
  readonly timesUs: readonly number[];
  readonly tokens: readonly number[];
}

/**
 * The tokens that were certainly admitted in the span of each moment up to it: of the operations whose whole interval lies
 * in it. It is the count that `Spans` holds against its allowance, as a picture. An operation in [a, b] counts from b until
 * a leaves the span. From the first operation to `untilUs`. O(n log n).
 */
export function windowCounts(
  operations: readonly LevelOperation[],
  span: CountedSpan,
  untilUs: number,
): WindowCounts {
  const changes = new Map<number, number>();
  const change = (us: number, tokens: number) => changes.set(us, (changes.get(us) ?? 0) + tokens);
  for (const { outcome, invokedUs, lastUs, costTokens } of operations) {
    change(invokedUs, 0);
    const goneUs = outcome === 'allowed' ? goneAt(span, invokedUs) : invokedUs;
    if (lastUs >= goneUs) continue;
    change(lastUs, costTokens);
    change(goneUs, -costTokens);
  }
  change(untilUs, 0);
  const timesUs = [...changes.keys()].filter((us) => us <= untilUs).sort((a, b) => a - b);
  let tokens = 0;
  return { timesUs, tokens: timesUs.map((us) => (tokens += changes.get(us) as number)) };
}

/** When an operation that began then is out of the span for the first time; at once if no span certainly holds it. */
function goneAt(span: CountedSpan, invokedUs: number): number {
  if ('lengthUs' in span) return invokedUs + span.lengthUs;
  const { startUs, endUs } = insideOf(span, windowNumber(span, invokedUs));
  return invokedUs < startUs ? invokedUs : endUs + 1;
}
