import { count as counted } from '../../core/units.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import { namesOfSides } from '../evidence/sides.ts';
import type { Claim } from './claim.ts';
import type { Sample } from './sample.ts';

/** The policy that was at its limit the least, if there is one whose busiest buckets were not all at theirs. */
function leastTested({ least }: CheckFacts['contested']): CheckFacts['contested']['least'] {
  return least !== undefined && least.busiest < least.ofBusiest ? least : undefined;
}

/** Of several policies, of the one that was tested least. */
export function contestedSample({ contested, buckets }: CheckFacts, { unit }: Claim): Sample {
  const least = leastTested(contested);
  const counts = least ?? contested;
  const wayOut = 'take fewer users, a smaller policy or a longer load';
  const of = least === undefined ? '' : `, of policy ${least.policy}, which was at its limit the least`;
  if (unit === 'count') {
    const among = least === undefined ? ` of ${counted(buckets, 'bucket')}` : ' buckets';
    const about = `${counts.buckets}${among} were drained and contested${of}`;
    return { measured: counts.buckets, about, wayOut };
  }
  const about = `${counts.busiest} of the ${counts.ofBusiest} busiest planned buckets were drained and contested${of}`;
  return counts.ofBusiest === 0
    ? { about, reason: 'the history has no plan, so the busiest buckets are unknown' }
    : { measured: counts.busiest / counts.ofBusiest, about, wayOut };
}

/** How many sides were seen to count together, and which ones may count apart. */
export function sidesSample({ sides, contested, whole, falseDenials }: CheckFacts, { unit }: Claim): Sample {
  if (sides === undefined)
    return {
      about:
        'no side is known: the history names no region and no instance, or it was judged without a claim on sides',
    };
  const { count, joined, leftOut, neverMet, policy, smallerLimit } = sides;
  if (count === 1) return { measured: 1, about: 'there is one side, which counts for itself' };
  const measured = unit === 'share' ? joined / count : joined;
  const of = policy === undefined ? '' : ` by policy ${policy}`;
  if (leftOut.length === 0)
    return {
      measured,
      about:
        whole.judgedDenials > 0
          ? `all ${count} sides were seen to count together: what one admitted, others denied`
          : `all ${count} sides were seen to count together, or some of them with smaller limits: no denial is judged`,
    };
  const falseOnes =
    falseDenials.total > 0 ? '; denials that are false by the promise show nothing of it' : '';
  const seen = joined === 0 ? `none of the ${count} sides was` : `${joined} of the ${count} sides were`;
  return {
    measured,
    about: `${seen} seen to count together${of}; ${namesOfSides(leftOut)} may count alone${smallerLimit ? ' with a smaller limit' : ''}${falseOnes}`,
    wayOut:
      neverMet && contested.buckets > 0
        ? 'let the busiest users send to every side (--roaming auto), or all of them (--roaming 1)'
        : 'take fewer users, a smaller policy or a longer load, so that a side is asked for what others have used up',
  };
}

/** What a load asked of a limiter that was seen to matter. */
export function exercisedSample({ exercises }: CheckFacts): Sample {
  if (exercises === undefined)
    return { about: 'the history has no plan and no fault, so it is not known what to exercise' };
  const open = exercises.filter(({ isExercised }) => !isExercised);
  if (open.length === 0)
    return { measured: 1, about: exercises.map(({ about }) => about).join('; ') || 'the load asked nothing' };
  const wayOut = [...new Set(open.flatMap((exercise) => exercise.wayOut ?? []))].join('; ');
  return {
    measured: 1 - open.length / exercises.length,
    about: open.map(({ about }) => about).join('; '),
    wayOut,
  };
}
