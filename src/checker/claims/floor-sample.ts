import { count } from '../../core/units.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import { admittedShare, type BucketFloor, lockedShare } from '../evidence/floor.ts';
import type { Claim } from './claim.ts';
import { formatPercent } from './claim-limit.ts';
import type { Sample } from './sample.ts';

/**
 * The smallest share of its ideal that a bucket admitted. If it is large enough, but would be in every bucket for a limiter
 * that admits nothing after its first denial, the claim has no sample.
 */
export function floorSample({ floor, promise, whole }: CheckFacts, { limit }: Claim): Sample {
  if (promise === 'token-bucket')
    return { about: 'a token bucket has no windows: claim false-denials <= 0 in place of it' };
  if (floor === undefined) return { about: EARLIER };
  const { denied, buckets, least, clearest, missing } = floor;
  if (whole.outcomes.denied === 0) return { measured: 1, about: 'no request was denied' };
  if (denied === 0) return tooLittle(NONE_JUDGED);
  if (least === undefined || clearest === undefined)
    return tooLittle(
      `a limiter of ${promise} need not have admitted more than one limit in any bucket that denied`,
    );
  const measured = admittedShare(least);
  if (measured >= limit && lockedShare(clearest) >= limit) return tooLittle(clearestText(clearest, promise));
  const about = floorText(least, { promise, limit, buckets });
  const most = (least.admitted + missing) / least.ideal;
  const doubt = 'requests that are missing from the history may have taken the rest';
  return { measured, about, wayOut: COUNTS_DENIALS, ...(missing > 0 && { most, doubt }) };
}

const EARLIER =
  'the report is of an earlier version and does not have what must be admitted: make the run again';

const COUNTS_DENIALS =
  "it may also count what it denies, which locks out users who go on asking, count several users as one, or be used by others with the same keys; if that is intended, use --false-denials any with check, or --claim 'windows <= 0' with bench";

const NONE_JUDGED =
  'each denial is of a fault, a failure policy, several buckets or a time of which the history may lack requests';

function tooLittle(why: string): Sample {
  return { about: `too little demand to see whether the limiter locks its users out: ${why}; ${LONGER}` };
}

const LONGER = 'take a longer load (--duration), a higher rate (--rate) or fewer users (--users)';

function clearestText({ bucket, before, ideal }: BucketFloor, promise: string): string {
  return `${bucket} may have admitted ${before} tokens before its first denial, where a limiter of ${promise} need not have admitted more than ${ideal} in all`;
}

function floorText(
  { bucket, admitted, ideal }: BucketFloor,
  { promise, limit, buckets }: { promise: string; limit: number; buckets: number },
): string {
  const share = formatPercent(admitted / ideal, limit);
  const least = buckets === 1 ? '' : `, the smallest share of ${buckets} buckets`;
  return `${bucket} admitted ${count(admitted, 'token')}, ${share} of the ${ideal} that every limiter of ${promise} admits of its requests${least}`;
}
