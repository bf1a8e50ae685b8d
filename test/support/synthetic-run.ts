import { type Bucket, fullBucket, take } from '../../src/core/bucket.ts';
import { parsePolicy } from '../../src/core/policy.ts';
import { makeRandom } from '../../src/core/prng.ts';
import { HistoryBuilder } from '../../src/history/columns/builder.ts';
import type { History } from '../../src/history/history.ts';
import type { End, Header, HistoryRecord } from '../../src/history/records/operation.ts';
import { headerOf, operationOf } from './history.ts';

const REGIONS = ['us-east', 'eu-west', 'ap-south'];

/**
 * A run of an exact limiter that loses what two buckets spent, in the middle of a fault: as many operations as are asked
 * for, over 20 s, of as many buckets.
 */
export function syntheticRun(size: SyntheticSize): History {
  const builder = new HistoryBuilder();
  builder.startFile('synthetic');
  builder.add(headerOf('20:5/s', { regions: REGIONS }));
  for (const record of syntheticRecords(size)) builder.add(record);
  builder.add({ type: 'end', atUs: 21_000_000, sent: size.operations });
  builder.endFile();
  return builder.build();
}

interface SyntheticSize {
  readonly operations: number;
  readonly buckets?: number;
}

/** The records of it between header and end. */
export function* syntheticRecords({
  operations,
  buckets = 200,
}: SyntheticSize): Generator<Exclude<HistoryRecord, Header | End>> {
  const policy = parsePolicy('20:5/s');
  const random = makeRandom(1, 'synthetic');
  const levels: Bucket[] = Array.from({ length: buckets }, () => fullBucket(policy, 0));
  const stepUs = 20_000_000 / operations;
  for (let index = 0; index < operations; index++) {
    const atUs = 300_000 + Math.floor(index * stepUs);
    const bucket = Math.floor(random() ** 2 * buckets);
    const isLost = bucket < 2 && Math.abs(atUs - 9_000_000) < stepUs * 50;
    if (isLost) levels[bucket] = fullBucket(policy, atUs);
    const taken = take(levels[bucket] as Bucket, policy, { costTokens: 1, nowUs: atUs });
    levels[bucket] = taken.bucket;
    const { allowed } = taken.result;
    yield operationOf(index, {
      bucket: `ratings:u${bucket}`,
      region: REGIONS[index % REGIONS.length] ?? '',
      invokedUs: atUs - Math.floor(random() * 90_000),
      completedUs: atUs + Math.floor(random() * 90_000),
      outcome: allowed ? 'allowed' : 'denied',
    });
  }
  const partition = { type: 'fault', fault: 'partition', args: { isolate: ['eu-west'] } } as const;
  yield { ...partition, phase: 'inject', atUs: 5_000_000 };
  yield { ...partition, phase: 'heal', atUs: 13_000_000 };
  const args = { from: 'replica', to: 'primary', slots: '5461-10921' };
  yield { type: 'event', event: 'role', node: 'ap-south-1', atUs: 9_000_000, args };
}
