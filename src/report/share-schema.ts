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

const bucketFloor = z.object({
  bucket: z.string(),
  ...{ admitted: z.number(), ideal: z.number() },
  before: z.number().describe('the part of admitted that may be from before the first denial'),
});

/** What buckets that denied admitted, and what every limiter of the promise admits of the same requests; tokens. */
const floor = z.object({
  buckets: z.number().describe('those with an ideal of more than one limit'),
  denied: z.number(),
  least: bucketFloor.exactOptional().describe('the bucket that admitted the smallest share of its ideal'),
  clearest: bucketFloor
    .exactOptional()
    .describe('the bucket in which a limiter that admits nothing after its first denial is seen best'),
  missing: z.number().describe('the most that missing requests can have been charged in one bucket'),
});

/** Of a promise that judges no denials. */
export const floorFields = {
  floor: floor.exactOptional(),
  notJudged: z.array(z.string()).exactOptional().describe('what is not judged, and why'),
};

/** Only some buckets were recorded and judged. */
export const sample = z.object({
  share: z.number().describe('the probability with which the seed draws a bucket'),
  others: z.number().describe('requests to buckets outside the sample: sent, not recorded, not judged'),
});
