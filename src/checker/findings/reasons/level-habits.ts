import type { OperationTable } from '../../../history/columns/table.ts';
import { countShown, countWrong, isIdeal, type LevelReason, shownText } from './level-rules.ts';
import type { Step, Steps } from './level-steps.ts';
import { refilled } from './rules.ts';
import type { Trial } from './trial.ts';

const LEAST_JUMPS = 3;
/** The largest share of rests on the wrong side of the length: an operation without a level can have come in between. */
const MOST_MISPLACED = 0.1;

/** A rest before a decision, in microseconds or as a share of the time to full; undefined if unknown. */
type RestOf = (step: Step) => number | undefined;

const RESTS: readonly RestOf[] = [
  ({ elapsedUs }) => elapsedUs,
  ({ admission }) => admission?.elapsedUs,
  (step) => shareOfFill(step.level, step.elapsedUs, step),
  (step) => step.admission && shareOfFill(step.admission.level, step.admission.elapsedUs, step),
];

/**
 * Buckets are full after a rest that refill cannot have filled: after each that is longer than a constant, or longer than
 * a constant share of the time to full.
 */
export function forgottenLevels(steps: Steps): Found | undefined {
  const isJump = (step: Step) =>
    step.isAllowed && !isIdeal(step) && step.after === step.policy.capacityQuanta - step.costQuanta;
  const counted = countShown(steps, (step) => isIdeal(step) || isJump(step));
  if (counted === undefined || counted.shown < LEAST_JUMPS) return undefined;
  const isRemembered = (step: Step) =>
    isIdeal(step) && !step.isFirst && refilled(step) < step.policy.capacityQuanta;
  const jumps = steps.all.filter(isJump);
  const others = steps.all.filter(isRemembered);
  const most = Math.min(steps.unseen, MOST_MISPLACED * jumps.length);
  if (!RESTS.some((restOf) => misplaced(jumps, others, restOf) <= most)) return undefined;
  return {
    unexplained: counted.unexplained,
    sentence: `buckets are full after a rest, before refill can have filled them: their state is forgotten (${shownText(counted.shown, steps)})`,
  };
}

type Found = Pick<LevelReason, 'sentence' | 'unexplained'>;

/** How many steps are on the wrong side of the length of rests that parts jumps from others best. */
function misplaced(jumps: readonly Step[], others: readonly Step[], restOf: RestOf): number {
  const rests = [...jumps.map((step) => [step, 1] as const), ...others.map((step) => [step, -1] as const)]
    .flatMap(([step, jump]) => {
      const rest = restOf(step);
      return rest === undefined ? [] : [{ rest, jump }];
    })
    .sort((a, b) => a.rest - b.rest || a.jump - b.jump);
  let wrong = rests.filter(({ jump }) => jump < 0).length; // of a length of 0, every other step is misplaced
  let least = wrong;
  for (const { jump } of rests) {
    wrong += jump;
    least = Math.min(least, wrong);
  }
  return least;
}

/** A time as a share of what an ideal bucket of that level needs to be full. */
function shareOfFill(level: number, us: number, { policy: { capacityQuanta, quantaPerUs } }: Step): number {
  return (us * quantaPerUs) / Math.max(1, capacityQuanta - level);
}

/** The first decision of each bucket finds less than a full bucket: at most what refill gave since the history began. */
export function startsEmpty({ table, context, firstUs }: Trial, steps: Steps): Found | undefined {
  if (context.known.initial !== 'full') return undefined;
  const speed = 1 + Math.max(0, context.clock.rhoPpm) / 1_000_000;
  const isEmpty = ({ row, after, isAllowed, costQuanta, policy }: Step) => {
    const before = after + (isAllowed ? costQuanta : 0);
    const sinceUs = (table.lastUs(row) - firstUs) * speed + context.clock.epsilonUs;
    return (
      before + policy.quantaPerToken / 2 < policy.capacityQuanta &&
      before <= sinceUs * policy.quantaPerUs + policy.quantaPerToken
    );
  };
  const firsts = steps.all.filter(
    ({ isFirst, bucket, row }) => isFirst && !hasUnseenBefore(table, bucket, row),
  );
  const emptied = firsts.filter(isEmpty).length;
  const others = countWrong(steps.all.filter((step) => !step.isFirst));
  if (emptied === 0 || firsts.some((step) => !isEmpty(step) && !isIdeal(step))) return undefined;
  if (others > Math.min(steps.unseen, MOST_MISPLACED * steps.all.length)) return undefined;
  return {
    unexplained: others,
    sentence:
      `a new bucket does not start full: the first decisions of ${emptied} buckets find no more than refill gave since the ` +
      'history began, and the later ones fit',
  };
}

/** Whether an operation without a level began before this decision was over. */
function hasUnseenBefore(table: OperationTable, bucket: number, row: number): boolean {
  for (let one = table.starts[bucket] as number; one < (table.starts[bucket + 1] as number); one++)
    if (
      Number.isNaN(table.levels?.of(one) ?? Number.NaN) &&
      (table.invokedUs[one] as number) <= table.lastUs(row)
    )
      return true;
  return false;
}
