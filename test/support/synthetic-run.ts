import { type Bucket, fullBucket, take } from '../../src/core/bucket.ts';
import { parsePolicy } from '../../src/core/policy.ts';
import { makeRandom } from '../../src/core/prng.ts';
import { HistoryBuilder } from '../../src/history/builder.ts';
import type { History } from '../../src/history/history.ts';
import { headerOf, operationOf } from './history.ts';

const REGIONS = ['us-east', 'eu-west', 'ap-south'];

/**
 * A run of an exact limiter that loses what two buckets spent, in the middle of a fault: as many operations as are asked
 * for, over 20 s, of as many buckets.
 */
export function syntheticRun({
  operations,
  buckets = 200,
}: {
  operations: number;
  buckets?: number;
}): History {
  const policy = parsePolicy('20:5/s');
  const random = makeRandom(1, 'synthetic');
  const levels: Bucket[] = Array.from({ length: buckets }, () => fullBucket(policy, 0));
  const builder = new HistoryBuilder();
  builder.startFile('synthetic');
  builder.add(headerOf('20:5/s', { regions: REGIONS }));
  const stepUs = 20_000_000 / operations;
  for (let index = 0; index < operations; index++) {
    const atUs = 300_000 + Math.floor(index * stepUs);
    const bucket = Math.floor(random() ** 2 * buckets);
    const isLost = bucket < 2 && Math.abs(atUs - 9_000_000) < stepUs * 50;
    if (isLost) levels[bucket] = fullBucket(policy, atUs);
    const taken = take(levels[bucket] as Bucket, policy, { costTokens: 1, nowUs: atUs });
    levels[bucket] = taken.bucket;
    const { allowed } = taken.result;
    builder.add(
      operationOf(index, {
        bucket: `ratings:u${bucket}`,
        region: REGIONS[index % REGIONS.length] ?? '',
        invokedUs: atUs - Math.floor(random() * 90_000),
        completedUs: atUs + Math.floor(random() * 90_000),
        outcome: allowed ? 'allowed' : 'denied',
      }),
    );
  }
  const partition = { type: 'fault', fault: 'partition', args: { isolate: ['eu-west'] } } as const;
  builder.add({ ...partition, phase: 'inject', atUs: 5_000_000 });
  builder.add({ ...partition, phase: 'heal', atUs: 13_000_000 });
  const args = { from: 'replica', to: 'primary', slots: '5461-10921' };
  builder.add({ type: 'event', event: 'role', node: 'ap-south-1', atUs: 9_000_000, args });
  builder.add({ type: 'end', atUs: 21_000_000, sent: operations });
  builder.endFile();
  return builder.build();
}
