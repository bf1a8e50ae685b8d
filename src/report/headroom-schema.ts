import { z } from 'zod';

const ofBucket = z.object({ bucket: z.string(), tokens: z.number(), ofTokens: z.number() });

/** How much more contested buckets could have admitted. */
export const headroom = z
  .object({
    ...{ median: ofBucket, largest: ofBucket, cause: z.string().exactOptional() },
    ofClocks: z
      .number()
      .exactOptional()
      .describe('tokens that the clocks of the machines cost, the median of the contested buckets'),
  })
  .exactOptional()
  .describe('how much more contested buckets could have admitted unseen');
