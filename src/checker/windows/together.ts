import { coverByRefunds, type Refund } from '../proofs/refund.ts';
import { countWhile } from '../rows/sort-rows.ts';
import { type BrokenWindow, BrokenWindows } from './broken-windows.ts';

/** A span that holds more than is allowed, unless something came back to its windows within [fromUs, untilUs]. */
export interface Excused {
  /** Its allowance has no refunds. */
  readonly window: BrokenWindow;
  readonly fromUs: number;
  readonly untilUs: number;
  /** Where an operation would have opened a second window. */
  readonly opened?: { readonly fromUs: number; readonly toUs: number } | undefined;
}

/**
 * Spans that refunds excuse one by one, but not all together.
 *
 * A refund comes back at one moment u, and makes room for what it is worth in the windows of u. Take spans of which no two
 * can have windows of one moment: each refund then excuses one of them at most. So what they hold beyond their allowance,
 * all in all, is at most what came back within their times, each refund counted once: see `coverByRefunds`, which may even
 * divide a refund among them. The rest convicts. The spans are chosen for the largest sum: `best(i) = max(best(i - 1), excess(i) + best(the last span that ends before i can be refunded))`.
 *
 * `spans` in the order of `untilUs`, and of `fromUs`. Gives one finding with all of them, or none.
 */
export function brokenTogether(spans: readonly Excused[], refunds: readonly Refund[]): BrokenWindows {
  const found = new BrokenWindows();
  const chosen = chooseApart(spans);
  const unpaid = [...coverByRefunds(chosen.map(demandOf), refunds, ({ untilUs }) => untilUs)];
  const [first, last] = [chosen[0], chosen.at(-1)];
  if (first === undefined || last === undefined || unpaid.length === 0) return found;
  const sumOf = (quanta: readonly number[]) => quanta.reduce((sum, one) => sum + one, 0);
  const excess = sumOf(chosen.map(({ window }) => excessOf(window)));
  const returned = excess - sumOf(unpaid.map(({ quanta }) => quanta));
  const windows = chosen.map(({ window }) => window);
  found.add(
    {
      row: last.window.row,
      startUs: first.window.startUs,
      endUs: last.window.endUs,
      allowance: windows.reduce((sum, { allowance }) => sum + allowance, returned),
      admitted: windows.reduce((sum, { admitted }) => sum + admitted, 0),
      together: { windows, returned },
    },
    first.opened,
  );
  return found;
}

/** In tokens. */
function demandOf({ window, fromUs, untilUs }: Excused) {
  return { quanta: excessOf(window), busyFromUs: fromUs, untilUs };
}

function excessOf({ admitted, allowance }: BrokenWindow): number {
  return admitted - allowance;
}

function chooseApart(spans: readonly Excused[]): Excused[] {
  const ends = spans.map(({ untilUs }) => untilUs);
  const before = spans.map(({ fromUs }, at) => countWhile(ends, at, (untilUs) => untilUs < fromUs));
  const best = [0];
  for (const [at, { window }] of spans.entries())
    best.push(Math.max(best[at] as number, excessOf(window) + (best[before[at] as number] as number)));
  const chosen: Excused[] = [];
  for (let at = spans.length; at > 0; ) {
    if (best[at] === best[at - 1]) at--;
    else {
      chosen.push(spans[at - 1] as Excused);
      at = before[at - 1] as number;
    }
  }
  return chosen.reverse();
}
