import { type Homes, type HomesOptions, readHomes } from '../homes/homes.ts';
import type { Subject } from '../limiter.ts';
import { bucketKey, checkPrefix } from './key.ts';
import { type Policies, type PolicyOptions, readPolicies } from './policies.ts';

/** The buckets of a limiter: their policies and their keys. */
export interface Buckets extends Policies {
  /** The key of a subject's bucket. Throws INVALID_SUBJECT; for a wrong home INVALID_OPTION. */
  readonly keyOf: (subject: Subject) => string;
  readonly homes?: Homes;
}

/** The options that choose the keys. */
interface KeyOptions {
  readonly prefix?: string;
  readonly homes?: HomesOptions;
}

/** Reads policies, overrides, prefix and homes. Throws INVALID_POLICY or INVALID_OPTION; for an override, at the take. */
export function readBuckets(options: PolicyOptions & KeyOptions): Buckets {
  const policies = readPolicies(options);
  const prefix = checkPrefix(options.prefix);
  if (options.homes === undefined) return { ...policies, keyOf: (subject) => bucketKey(prefix, subject) };
  const homes = readHomes(options.homes, prefix);
  return {
    ...policies,
    homes,
    keyOf: (subject) => homes.homeOf(subject)?.key ?? bucketKey(prefix, subject),
  };
}
