import { apartLevels } from './level-apart.ts';
import { backwardRefill, regionClocks, secondTimes } from './level-clocks.ts';
import { forgottenLevels, startsEmpty } from './level-habits.ts';
import { type LevelReason, levelRules } from './level-rules.ts';
import { levelSteps } from './level-steps.ts';
import type { Trial } from './trial.ts';

/** Fewer decisions show no rule. */
const LEAST_STEPS = 20;
/** How much less one of two causes leaves unexplained if it is the better one. */
const BETTER = { times: 2, plus: 5 };

/** In a bucket of one token, both leave nothing of what was gained before a denial. */
const SAME_OF_ONE = ['charged-denials', 'dropped-fractions'];

/**
 * The cause that explains the levels and times of the replies, where the promised bucket does not. Undefined if there is
 * none, or if two explain them nearly as well.
 */
export function levelReason(trial: Trial): LevelReason | undefined {
  const steps = levelSteps(trial);
  if (steps === undefined || steps.all.length < LEAST_STEPS) return undefined;
  if (steps.isApart) {
    const sentence = apartLevels(trial, steps);
    return sentence === undefined ? undefined : { reason: 'regions-apart', sentence, unexplained: 0 };
  }
  const habits = { forgotten: forgottenLevels(steps), 'starts-empty': startsEmpty(trial, steps) };
  const clocks = {
    'whole-seconds': secondTimes(steps),
    'region-clocks': regionClocks(trial, steps),
    'backward-refill': backwardRefill(trial),
  };
  const found = [
    ...levelRules(steps),
    ...Object.entries(habits).flatMap(([reason, one]) => (one === undefined ? [] : [{ reason, ...one }])),
    ...Object.entries(clocks).flatMap(([reason, sentence]) =>
      sentence === undefined ? [] : [{ reason, sentence, unexplained: 0 }],
    ),
  ];
  if (found.some(({ reason }) => SAME_OF_ONE.includes(reason)) && !trial.hasBursts) return undefined;
  const [first, second] = found.sort((a, b) => a.unexplained - b.unexplained);
  const isBest =
    first !== undefined &&
    (second === undefined || second.unexplained > BETTER.times * first.unexplained + BETTER.plus);
  return isBest ? first : undefined;
}
