// The operations of `bench:checker` and `bench:certificates`: those of an exact bucket under 1.8 times its refill, in time
// order, each from 4 ms before its decision to 4 ms after.
import { fullBucket, take } from '../dist/core/bucket.js';
import { parsePolicy } from '../dist/core/policy.js';
import { makeRandom } from '../dist/core/prng.js';
import { encodeRecord } from '../dist/history/records/codec.js';
import { headerOf } from './checker-shapes.mjs';

export const policy = parsePolicy('20:5/s');
export const header = headerOf({ capacity: 20, refill: policy.refill });

/** The operations of a run, one after another, each as a new object. */
export function* operations(count, bucketCount, withDecisions) {
  const random = makeRandom(1, 'bench');
  const buckets = Array.from({ length: bucketCount }, () => fullBucket(policy, 0));
  const stepUs = policy.quantaPerToken / policy.quantaPerUs / 1.8 / bucketCount;
  let nowUs = 10_000;
  for (let index = 0; index < count; index++) {
    nowUs += 2 * stepUs * random();
    const atUs = Math.floor(nowUs);
    const bucket = Math.floor(random() * bucketCount);
    const taken = take(buckets[bucket], policy, { costTokens: 1, nowUs: atUs });
    buckets[bucket] = taken.bucket;
    const { allowed, levelQuanta, bucketUs } = taken.result;
    const serverUs = 1_795_559_409_000_000 + bucketUs;
    yield {
      type: 'op',
      index,
      bucket: `ratings:u${bucket}`,
      user: `u${bucket}`,
      region: ['us-east', 'eu-west', 'ap-south'][index % 3],
      process: index % 1_000,
      cost: 1,
      invokedUs: atUs - Math.floor(random() * 4_000),
      completedUs: atUs + Math.floor(random() * 4_000),
      outcome: allowed ? 'allowed' : 'denied',
      status: allowed ? 201 : 429,
      ...(withDecisions
        ? {
            decision: {
              strategy: 'central',
              node: 'us-east-0',
              source: 'redis',
              atUs: serverUs,
              bucketUs: serverUs,
              levelQuanta,
            },
          }
        : {}),
    };
  }
}

/** The lines of their history. */
export function* recordsOf({ count, buckets, decisions }) {
  yield encodeRecord(header);
  for (const operation of operations(count, buckets, decisions)) yield encodeRecord(operation);
  yield encodeRecord({ type: 'end', atUs: 0, sent: count });
}
