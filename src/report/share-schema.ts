import { z } from 'zod';

const share = z.object({
  ...{ bucket: z.string(), amount: z.number(), of: z.number() },
  share: z.number().nullable().describe('amount / of; null: of is 0'),
});
const windowShare = share.extend({ startUs: z.number(), endUs: z.number() });
const shareRow = z.object({
  excess: share.exactOptional().describe('tokens, of those that an ideal bucket would have admitted'),
  falseDenials: share.exactOptional().describe('of the requests that an ideal bucket would have admitted'),
  certainDenials: share.exactOptional(),
  ...{ doubtfulExcess: share.exactOptional(), doubtfulDenials: share.exactOptional() },
});

/** Findings relative to what an ideal bucket would have admitted. */
export const shares = z.object({
  drainable: z
    .number()
    .describe('buckets in which an ideal bucket would have admitted at least its capacity'),
  ...{ whole: shareRow, phases: z.array(shareRow) },
  window: windowShare.exactOptional().describe('tokens, of the allowance of the window'),
  doubtfulWindow: windowShare.exactOptional(),
});

/** Only some buckets were recorded and judged. */
export const sample = z.object({
  share: z.number().describe('the probability with which the seed draws a bucket'),
  others: z.number().describe('requests to buckets outside the sample: sent, not recorded, not judged'),
});
