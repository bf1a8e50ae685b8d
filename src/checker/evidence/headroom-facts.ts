import { limitTokensOf, type Promised } from '../../core/promise.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import { timeText } from '../clocks/grant.ts';
import { causeOfWidth } from './interval-width.ts';

/** How much more one bucket could have admitted unseen, in tokens, and the capacity or the limit of its window. */
export interface BucketHeadroom {
  readonly bucket: string;
  readonly tokens: number;
  readonly ofTokens: number;
}

/** The headroom of the contested buckets, each relative to its own capacity. */
export interface HeadroomFacts {
  readonly median: BucketHeadroom;
  readonly largest: BucketHeadroom;
  /** What the clocks of the machines of a run in parts cost of it, in tokens: the median of all contested buckets. */
  readonly ofClocks?: number;
  /** Why the median is large; absent if it is not. */
  readonly cause?: string;
}

/** The largest median, as a share of the capacity, with which an audit or a run of a strategy proves enough. */
export const HEADROOM_AT_MOST = { audit: 0.25, run: 0.5 } as const;

interface Granted {
  readonly promise: Promised;
  /** For the limiter's clock. */
  readonly slackUs: number;
  /** The operations by the clocks of their machines, if the table has them by another one. */
  readonly recorded?: OperationTable;
}

/** `contested`: tokens by bucket. */
export function headroomFacts(
  table: OperationTable,
  contested: ReadonlyMap<number, number>,
  { promise, slackUs, recorded }: Granted,
): { headroom?: HeadroomFacts } {
  const sorted = [...contested]
    .map(([bucket, tokens]) => ({
      bucket,
      tokens,
      ofTokens: limitTokensOf(promise, table.policyOf(bucket)),
    }))
    .sort((a, b) => shareOf(a) - shareOf(b));
  const [median, largest] = [sorted[sorted.length >> 1], sorted.at(-1)];
  if (median === undefined || largest === undefined) return {};
  const named = (one: typeof median): BucketHeadroom => ({ ...one, bucket: table.nameOf(one.bucket) });
  const cause =
    shareOf(median) > HEADROOM_AT_MOST.audit
      ? { cause: explainHeadroom(table, { promise, slackUs }, median) }
      : {};
  const ofClocks = recorded && { ofClocks: costOfClocks(table, recorded, [...contested.keys()]) };
  return { headroom: { median: named(median), largest: named(largest), ...ofClocks, ...cause } };
}

/**
 * An excess of two refills of the widest interval is always seen. Of those, the clocks cost 2 * refill * (highest - lowest
 * offset): by so much they widen an interval. The median over these buckets, in tokens.
 */
function costOfClocks(table: OperationTable, recorded: OperationTable, buckets: readonly number[]): number {
  const costs = buckets.map((bucket) => {
    const { quantaPerUs, quantaPerToken } = table.policyOf(bucket);
    let widestUs = 0;
    for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
      const ownUs = recorded.lastUs(row) - (recorded.invokedUs[row] as number);
      const widerUs = table.lastUs(row) - (table.invokedUs[row] as number) - ownUs;
      if (widerUs > widestUs && widerUs < Number.POSITIVE_INFINITY) widestUs = widerUs; // of those with both ends
    }
    return (2 * widestUs * quantaPerUs) / quantaPerToken;
  });
  return costs.sort((a, b) => a - b)[costs.length >> 1] ?? 0;
}

function explainHeadroom(
  table: OperationTable,
  { promise, slackUs }: { readonly promise: Promised; readonly slackUs: number },
  { bucket, tokens }: { bucket: number; tokens: number },
): string {
  const { quantaPerUs, quantaPerToken } = table.policyOf(bucket);
  const isUnaligned = promise.type === 'fixed-window' && promise.alignment === 'any';
  if (isUnaligned)
    return 'the promise does not say when a window begins: add :epoch or :first to it, or record more windows (--duration)';
  if (promise.type === 'fixed-window' && promise.alignment === 'first')
    return 'it is seldom certain which request began a window: record more windows (--duration)';
  if (promise.type === 'fixed-window' && promise.alignment === 'epoch')
    return 'the clock that begins the windows moved or is not known well enough, or the buckets were not used up';
  const refillUs = (tokens * quantaPerToken) / quantaPerUs;
  if (2 * slackUs >= refillUs)
    return `${timeText(slackUs)} are granted for the limiter's clock: use a smaller --clock-slack if the clock is that exact`;
  return causeOfWidth(table, refillUs);
}

/** The share of its capacity, or of the limit of its window, that a bucket could have admitted unseen. */
export function shareOf({ tokens, ofTokens }: Omit<BucketHeadroom, 'bucket'>): number {
  return tokens / ofTokens;
}

/** Like `1.2 of 20 tokens`. */
export function headroomText({ tokens, ofTokens }: BucketHeadroom): string {
  const digits = tokens < 100 ? 1 : 0;
  return `${Number(tokens.toFixed(digits))} of ${ofTokens} ${ofTokens === 1 ? 'token' : 'tokens'}`;
}
