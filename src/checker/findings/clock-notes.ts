import { groupBy } from '../../core/group-by.ts';
import { count, rounded } from '../../core/units.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { ClockStep } from '../clocks/steps.ts';

/** The most nodes with a note of their own, and the most steps that one note names. */
const MOST_NODES = 4;
const MOST_STEPS = 4;

/** A note for each node whose clock was seen to step: when, how far, and how long its buckets then gained nothing. */
export function clockNotes(table: OperationTable, steps: readonly ClockStep[]): string[] {
  const byNode = [...groupBy(steps, ({ node }) => node)];
  const more = byNode.length - MOST_NODES;
  return [
    ...byNode.slice(0, MOST_NODES).map(([node, ofNode]) => {
      const still = ofNode.some(({ byUs }) => byUs < 0) ? stillText(table, node) : '';
      return `the clock of ${node} stepped ${stepsText(ofNode)}${still}`;
    }),
    ...(more > 0 ? [`so did the clocks of ${count(more, 'more node')}`] : []),
  ];
}

function stepsText(steps: readonly ClockStep[]): string {
  const inOrder = steps.toSorted((a, b) => a.atUs - b.atUs);
  const more = inOrder.length - MOST_STEPS;
  return [
    ...inOrder
      .slice(0, MOST_STEPS)
      .map(
        ({ atUs, byUs }) =>
          `${byUs < 0 ? 'back' : 'ahead'} ${amountText(byUs)} (seen at ${secondsOf(atUs, 1)})`,
      ),
    ...(more > 0 ? [`and ${count(more, 'more time')}`] : []),
  ].join(', ');
}

function amountText(byUs: number): string {
  const us = Math.abs(byUs);
  return us < 100_000 ? `${rounded(us / 1_000, us < 10_000 ? 1 : 0)} ms` : secondsOf(us, 2);
}

function secondsOf(us: number, digits: number): string {
  return `${rounded(us / 1_000_000, digits)} s`;
}

/** Rounded down: it is said to be the least. */
function leastSeconds(us: number): string {
  return `${Math.floor(us / 100_000) / 10} s`;
}

function stillText(table: OperationTable, node: string): string {
  const spansUs = stillSpans(table, node);
  if (spansUs.length === 0) return '';
  const longestUs = spansUs.reduce((most, us) => Math.max(most, us), 0);
  return spansUs.length === 1
    ? `: one of its buckets gained nothing for at least ${leastSeconds(longestUs)}`
    : `: ${spansUs.length} of its buckets gained nothing in the meantime, one of them for at least ${leastSeconds(longestUs)}`;
}

/** Less is not worth a note. */
const LEAST_STILL_US = 100_000;

/**
 * For each bucket of this node whose own time stood still, the longest time for which it certainly did. Decisions that
 * report the same time of their bucket prove it: between the end of the first and the start of the last it gained nothing.
 * A denial before the step may report a later time, since it writes nothing. An attempt that another row represents may
 * repeat an earlier answer, so it proves nothing.
 */
function stillSpans(table: OperationTable, node: string): number[] {
  const { levels, starts, kinds, invokedUs, bucketCount } = table;
  const number = levels?.nodeNames.indexOf(node) ?? -1;
  if (levels === undefined || number < 1) return [];
  const spans: number[] = [];
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    let [longestUs, timeUs, firstEndUs] = [0, Number.NaN, 0];
    for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
      const ownUs = levels.node(row) === number ? levels.bucketUs(row) : Number.NaN;
      if (((kinds[row] as number) & REPEATED) !== 0 || Number.isNaN(ownUs)) continue;
      const endUs = table.lastUs(row);
      firstEndUs = ownUs === timeUs ? Math.min(firstEndUs, endUs) : endUs;
      timeUs = ownUs;
      longestUs = Math.max(longestUs, (invokedUs[row] as number) - firstEndUs);
    }
    if (longestUs >= LEAST_STILL_US) spans.push(longestUs);
  }
  return spans;
}

const REPEATED = KIND.merged | KIND.joined;
