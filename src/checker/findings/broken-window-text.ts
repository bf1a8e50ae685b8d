import type { BrokenWindow, BrokenWindows } from '../windows/broken-windows.ts';

/** The inequality of the first window, with the tokens of its proof; and the worst window, if that holds more. */
export function brokenWindowText(
  found: BrokenWindows,
  {
    first,
    admitted,
    promise,
  }: { readonly first: BrokenWindow; readonly admitted: number; readonly promise: string },
): string {
  const { allowance, pieces } = first;
  if (pieces !== undefined)
    return `wherever the windows start, one of them holds at least ${first.admitted} tokens, where ${promise} allows at most ${allowance} (proof: ${pieces.length} windows that together cover every start)`;
  const { worst = first } = found;
  const isWorse = worst.admitted - worst.allowance > admitted - allowance;
  const more = isWorse ? `; the worst: ${worst.admitted} of ${worst.allowance} within ${spanOf(worst)}` : '';
  return `${admitted} tokens admitted wholly within ${spanOf(first)}, where ${promise} allows at most ${allowance}${more}`;
}

function spanOf({ startUs, endUs }: BrokenWindow): string {
  return `${(endUs - startUs + 1) / 1_000_000} s`;
}
