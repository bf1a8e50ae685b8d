import { bucketKey } from '../key.ts';
import type { Subject } from '../limiter.ts';

/**
 * The keys of one region, all with one tag: a take writes a bucket and the outbox together, so they are in one slot,
 * and a region decides on one primary alone.
 */
export interface RegionKeys {
  /** The region's life, when each other was last heard of, and what says that this is not known. */
  readonly region: string;
  readonly outbox: string;
  readonly cursors: string;
  bucket(subject: Subject): string;
}

/** A bucket's key ends with two parts, a user and an endpoint, so it is none of the others. */
export function regionKeys(prefix: string): RegionKeys {
  const tag = `{${prefix}}`;
  return {
    region: `${tag}:region`,
    outbox: `${tag}:outbox`,
    cursors: `${tag}:cursors`,
    bucket: (subject) => bucketKey(tag, subject),
  };
}
