import type { Subject } from '../../limiter.ts';
import { bucketKey } from '../../options/key.ts';

/**
 * The keys of one region, all with one hash tag. A take writes a bucket and the outbox together, so they must be in one
 * slot; a region therefore decides on one primary.
 */
export interface RegionKeys {
  /** The region's life, when each other region was last read, and markers for an unknown age. */
  readonly region: string;
  readonly outbox: string;
  readonly cursors: string;
  bucket(subject: Subject): string;
}

/** A bucket's key ends with two parts, user and endpoint, so it differs from the other keys. */
export function regionKeys(prefix: string): RegionKeys {
  const tag = `{${prefix}}`;
  return {
    region: `${tag}:region`,
    outbox: `${tag}:outbox`,
    cursors: `${tag}:cursors`,
    bucket: (subject) => bucketKey(tag, subject),
  };
}
