import type { Step, Steps } from './level-steps.ts';
import { charged, IDEAL, itsCost, RULES, type Rule, refilled } from './rules.ts';

/** Fewer decisions that the promised bucket does not explain show no rule. */
const LEAST_SHOWN = 5;
/** The largest share of decisions that a rule may leave unexplained, each by an operation without a level. */
const MOST_UNEXPLAINED = 0.1;
const ROUNDING = 1;

/** A cause that explains the levels of the replies, and how many of them it leaves unexplained. */
export interface LevelReason {
  readonly reason: string;
  readonly sentence: string;
  readonly unexplained: number;
}

/** The rules that explain the levels of the replies, where the promised bucket does not. */
export function levelRules(steps: Steps): LevelReason[] {
  const found = Object.entries(RULES).flatMap(([reason, rule]) => {
    const counted = countShown(steps, (step) => explains(rule, step, ROUNDING));
    if (counted === undefined || counted.shown < LEAST_SHOWN) return [];
    const { shown, unexplained } = counted;
    return [{ reason, sentence: `${rule.sentence} (${shownText(shown, steps)})`, unexplained }];
  });
  const isOne = found.some(({ reason }) => reason === 'one-too-many'); // of costs of one token, both are the same
  return [...found.filter(({ reason }) => !isOne || reason !== 'level-below-zero'), ...roundedLevels(steps)];
}

/** Levels that are off by a part of a thousandth of a token. */
function roundedLevels(steps: Steps): LevelReason[] {
  const holds = (step: Step) => explains(IDEAL, step, step.policy.quantaPerToken / 1_000);
  const counted = countShown(steps, holds, 0);
  if (counted === undefined || counted.shown < LEAST_SHOWN) return [];
  const sentence = `levels are rounded: they differ from exact ones, by less than a thousandth of a token each time (${shownText(counted.shown, steps)})`;
  return [{ reason: 'rounded-levels', sentence, unexplained: counted.unexplained }];
}

export function shownText(shown: number, { all }: Steps): string {
  return `${shown} of ${all.length} levels of replies show it, and the others fit`;
}

/**
 * How many decisions show a cause that the promised bucket does not explain to `tolerance` quanta. Undefined if the cause
 * leaves more unexplained than the operations without a level can have changed.
 */
export function countShown(
  steps: Steps,
  holds: (step: Step) => boolean,
  tolerance = ROUNDING,
): { readonly shown: number; readonly unexplained: number } | undefined {
  const most = Math.min(steps.unseen, MOST_UNEXPLAINED * steps.all.length);
  let [shown, unexplained] = [0, 0];
  for (const step of steps.all) {
    if (!holds(step)) unexplained++;
    else if (!isIdeal(step, tolerance)) shown++;
    if (unexplained > most) return undefined;
  }
  return shown > unexplained ? { shown, unexplained } : undefined;
}

/** How many decisions the promised bucket does not explain. */
export function countWrong(steps: readonly Step[]): number {
  return steps.filter((step) => !isIdeal(step)).length;
}

/** Whether the promised bucket explains a decision, to `tolerance` quanta. */
export function isIdeal(step: Step, tolerance = ROUNDING): boolean {
  return explains(IDEAL, step, tolerance);
}

function explains(
  { found = refilled, needs = itsCost, left = charged }: Rule,
  step: Step,
  tolerance: number,
): boolean {
  const level = found(step);
  const lacking = needs(step) - level;
  const isRefuted = step.isAllowed ? lacking > tolerance : lacking < -tolerance;
  return !isRefuted && Math.abs(left(level, step) - step.after) <= tolerance;
}
