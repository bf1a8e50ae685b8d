import { LevelRange } from './level-range.ts';
import { EMPTY_START, IDEAL, RULES, type Rule } from './rules.ts';
import type { Explanation, Trial } from './trial.ts';

/** Fewer decisions that contradict the promised bucket show no rule. */
const LEAST_CONTRADICTIONS = 3;

/** The rules that no decision contradicts, while decisions contradict the promised bucket. */
export function decisionRules(trial: Trial): ({ readonly reason: string } & Explanation)[] {
  const ofIdeal = count(trial, IDEAL);
  if (ofIdeal.all === 0) return [];
  const rules = trial.context.known.initial === 'full' ? { ...RULES, 'starts-empty': EMPTY_START } : RULES;
  const found = Object.entries(rules).flatMap(([reason, rule]) => {
    const isStrong = evidenceFor(rule, ofIdeal, trial) >= LEAST_CONTRADICTIONS;
    if ((rule === BEYOND && !isStrong) || count(trial, rule, 0).all > 0) return [];
    const sentence = `${rule.sentence} (${ofIdeal.all} decisions contradict the promise, and none this)`;
    return [{ reason, sentence, isStrong }];
  });
  const isOne = found.some(({ reason }) => reason === 'one-too-many'); // of costs of one token, both are the same
  return found.filter(({ reason }) => !isOne || reason !== 'level-below-zero');
}

const BEYOND = RULES['beyond-capacity'];

interface Counts {
  readonly all: number;
  readonly afterDenial: number;
}

/**
 * What shows a rule. A bucket without a capacity explains any excess before its first denial; one that starts empty is
 * contradicted once by the promise, and then as it should be.
 */
function evidenceFor(rule: Rule, ofIdeal: Counts, { falseDenials }: Trial): number {
  if (rule === EMPTY_START) return falseDenials;
  return rule === BEYOND ? ofIdeal.afterDenial : ofIdeal.all;
}

/** How many decisions contradict a rule, at least `most` + 1 if there are more. */
function count(trial: Trial, rule: Rule, most = Number.POSITIVE_INFINITY): Counts {
  const { firstUs } = trial;
  let [all, afterDenial] = [0, 0];
  trial.some((rows, policy) => {
    const range = new LevelRange(rows, rule, { policy, context: trial.context, firstUs });
    all += range.contradictions;
    afterDenial += range.afterDenial;
    return all > most;
  });
  return { all, afterDenial };
}
