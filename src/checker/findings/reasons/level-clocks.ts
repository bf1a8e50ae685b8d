import type { Policy } from '../../../core/policy.ts';
import { KIND, type OperationTable } from '../../../history/columns/table.ts';
import type { BucketRows } from '../../rows/bucket-rows.ts';
import type { Steps } from './level-steps.ts';
import type { Trial } from './trial.ts';

/** Decisions with times of whole seconds only, in more than a few seconds. */
export function secondTimes(steps: Steps): string | undefined {
  const seconds = new Set(steps.all.map(({ atUs }) => atUs));
  if (seconds.size < 5 || steps.all.some(({ atUs }) => atUs % 1_000_000 !== 0)) return undefined;
  return `the clock of the limiter counts whole seconds: all ${steps.all.length} decisions have one of ${seconds.size} times without a fraction of a second`;
}

const LEAST_OF_REGION = 10;

/** Each region decides by a clock of its own: its decisions show offsets that those of another region exclude. */
export function regionClocks({ table, context }: Trial, { all }: Steps): string | undefined {
  const { rhoPpm, slowPpm, epsilonUs } = context.clock;
  const rate = 1 + (rhoPpm + slowPpm) / 2_000_000;
  const originUs = table.invokedUs[all[0]?.row ?? 0] as number;
  const offsets = new Map<string, { lowest: number; highest: number; decisions: number }>();
  for (const { row, atUs } of all) {
    const region = table.regionOf(row);
    const one = offsets.get(region) ?? {
      lowest: Number.POSITIVE_INFINITY,
      highest: Number.NEGATIVE_INFINITY,
      decisions: 0,
    };
    const fromUs = originUs + ((table.invokedUs[row] as number) - originUs) * rate;
    const lastUs = originUs + (table.lastUs(row) - originUs) * rate;
    offsets.set(region, {
      lowest: Math.min(one.lowest, atUs - fromUs),
      highest: Math.max(one.highest, atUs - lastUs),
      decisions: one.decisions + 1,
    });
  }
  // of one clock, every decision has highest <= offset <= lowest
  const regions = [...offsets].map(([region, one]) => ({ region, ...one }));
  const many = regions.filter(({ decisions }) => decisions >= LEAST_OF_REGION);
  const own = many.filter(({ lowest, highest }) => highest <= lowest + epsilonUs);
  if (regions.length < 2 || own.length < regions.length) return undefined;
  const [ahead] = own.toSorted((a, b) => b.highest - a.highest);
  const [behind] = own.toSorted((a, b) => a.lowest - b.lowest);
  if (ahead === undefined || behind === undefined) return undefined;
  const apartUs = ahead.highest - behind.lowest;
  if (apartUs <= 2 * epsilonUs + 1_000) return undefined;
  return `each region decides by a clock of its own: the times of decisions from ${ahead.region} are at least ${Math.floor(apartUs / 1_000) / 1_000} s ahead of those from ${behind.region}`;
}

/** A clock that goes back gains refill, as if as much time had passed. Of two decisions that no other overlaps. */
export function backwardRefill(trial: Trial): string | undefined {
  const seen = { shown: 0, wrong: 0, steps: 0 };
  trial.some((rows, policy) => {
    for (const [before, row] of isolatedPairs(rows))
      countBackward(trial.table, { before, row, policy }, seen);
    return false;
  });
  if (seen.shown < LEAST_BACKWARD || seen.wrong > MOST_WRONG * seen.steps) return undefined;
  return (
    `a clock that goes back adds refill: ${seen.shown} times a decision is earlier by the clock of the limiter than the one ` +
    'before it, and its bucket gained as if that time had passed'
  );
}

const LEAST_BACKWARD = 5;
const MOST_WRONG = 0.05;

function countBackward(
  { levels, kinds, costTokens }: OperationTable,
  { before, row, policy }: { before: number; row: number; policy: Policy },
  seen: { shown: number; wrong: number; steps: number },
): void {
  if (levels === undefined || Number.isNaN(levels.of(before)) || Number.isNaN(levels.of(row))) return;
  const { quantaPerToken, quantaPerUs, capacityQuanta } = policy;
  const byUs = levels.bucketUs(row) - levels.bucketUs(before);
  const isAllowed = ((kinds[row] as number) & KIND.outcome) === KIND.allowed;
  const costQuanta = isAllowed ? (costTokens[row] as number) * quantaPerToken : 0;
  const found = Math.min(capacityQuanta, levels.of(before) + Math.abs(byUs) * quantaPerUs);
  seen.steps++;
  if (Math.abs(found - costQuanta - levels.of(row)) > 1 + quantaPerUs)
    seen.wrong++; // a time may be rounded
  else if (byUs < 0 && found > levels.of(before) + 1) seen.shown++;
}

/** Each two operations of a bucket, one after the other, of which no other operation overlaps either. */
function* isolatedPairs({ table, byInvoked, count }: BucketRows): Generator<[number, number]> {
  let overUs = Number.NEGATIVE_INFINITY;
  let before: number | undefined;
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    const isFree = overUs < (table.invokedUs[row] as number);
    overUs = Math.max(overUs, table.lastUs(row));
    const next =
      at + 1 < count ? (table.invokedUs[byInvoked[at + 1] as number] as number) : Number.POSITIVE_INFINITY;
    const isIsolated = isFree && overUs < next;
    if (isIsolated && before !== undefined) yield [before, row];
    before = isIsolated ? row : undefined;
  }
}
