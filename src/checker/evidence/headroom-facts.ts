import type { OperationTable } from '../../history/columns/table.ts';
import { limitTokensOf, type Promised } from '../claims/promise.ts';
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
  /** Why the median is large; absent if it is not. */
  readonly cause?: string;
}

/** The largest median, as a share of the capacity, with which an audit or a run of a strategy proves enough. */
export const HEADROOM_AT_MOST = { audit: 0.25, run: 0.5 } as const;

/** `contested`: tokens by bucket. `slackUs`: the grant for the limiter's clock. */
export function headroomFacts(
  table: OperationTable,
  contested: ReadonlyMap<number, number>,
  { promise, slackUs }: { readonly promise: Promised; readonly slackUs: number },
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
  return { headroom: { median: named(median), largest: named(largest), ...cause } };
}

function explainHeadroom(
  table: OperationTable,
  { promise, slackUs }: { readonly promise: Promised; readonly slackUs: number },
  { bucket, tokens }: { bucket: number; tokens: number },
): string {
  const { quantaPerUs, quantaPerToken } = table.policyOf(bucket);
  const isUnaligned = promise.type === 'fixed-window' && promise.alignment === 'any';
  if (isUnaligned)
    return 'the promise does not say when a window begins: add :epoch or :first to it, or record more windows';
  if (promise.type === 'fixed-window' && promise.alignment === 'first')
    return 'it is seldom certain which request began a window: record more windows';
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
