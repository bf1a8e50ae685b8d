import type { OperationTable } from '../history/table.ts';
import { timeText } from './clock-grant.ts';
import { causeOfWidth } from './interval-width.ts';
import { limitTokensOf, type Promised } from './promise.ts';

/** How much more one bucket could have admitted without being seen. Tokens, of its capacity or the limit of its window. */
export interface BucketHeadroom {
  readonly bucket: string;
  readonly tokens: number;
  readonly ofTokens: number;
}

/** The headroom of the contested buckets, each relative to its own capacity. */
export interface HeadroomFacts {
  readonly median: BucketHeadroom;
  readonly largest: BucketHeadroom;
  /** What makes it large; absent where it is not. */
  readonly cause?: string;
}

/** Of the capacity: the median above which a history of others proves too little, and a run of ours. */
export const HEADROOM_AT_MOST = { audit: 0.25, run: 0.5 } as const;

/** `contested`: tokens by bucket. `slackUs`: what is granted for the limiter's clock. */
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
    shareOf(median) > HEADROOM_AT_MOST.audit ? { cause: causeOf(table, { promise, slackUs }, median) } : {};
  return { headroom: { median: named(median), largest: named(largest), ...cause } };
}

function causeOf(
  table: OperationTable,
  { promise, slackUs }: { readonly promise: Promised; readonly slackUs: number },
  { bucket, tokens }: { bucket: number; tokens: number },
): string {
  const { quantaPerUs, quantaPerToken } = table.policyOf(bucket);
  const isUnaligned = promise.type === 'fixed-window' && promise.alignment === 'any';
  if (isUnaligned)
    return 'it is not said when a window begins: :epoch or :first behind the promise, or a log of more windows, shows more';
  if (promise.type === 'fixed-window' && promise.alignment === 'first')
    return 'which request began a window is seldom certain: a longer run, of more windows, shows more';
  const refillUs = (tokens * quantaPerToken) / quantaPerUs;
  if (2 * slackUs >= refillUs)
    return `${timeText(slackUs)} are granted for the limiter's clock: a smaller --clock-slack, where that is true, shows more`;
  return causeOfWidth(table, refillUs);
}

/** The share of its capacity, or of the limit of its window, that a bucket could have admitted beside. */
export function shareOf({ tokens, ofTokens }: Omit<BucketHeadroom, 'bucket'>): number {
  return tokens / ofTokens;
}

/** Like `1.2 of 20 tokens`. */
export function headroomText({ tokens, ofTokens }: BucketHeadroom): string {
  const digits = tokens < 100 ? 1 : 0;
  return `${Number(tokens.toFixed(digits))} of ${ofTokens} ${ofTokens === 1 ? 'token' : 'tokens'}`;
}
