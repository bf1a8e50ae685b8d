import { chargedDenials } from './charged-denials.ts';
import { decisionRules } from './decision-rules.ts';
import { fixedWindow } from './fixed-window.ts';
import { forgottenState } from './forgotten.ts';
import { lastWrite, race } from './forks.ts';
import { levelReason } from './level-reasons.ts';
import { multiplied } from './multiplied.ts';
import type { Explanation, Trial } from './trial.ts';
import { oneTooMany, refillFactor } from './wrong-policy.ts';

/** Every code of a reason: stable, for programs that read a report. */
export const REASONS = [
  ...['misread', 'lost-decisions', 'empty-restart', 'clock-step', 'regions-apart', 'instances-apart'],
  ...[
    'whole-seconds',
    'race',
    'last-write',
    'one-too-many',
    'refill-factor',
    'multiplied',
    'charged-denials',
    'partial-charges',
    'forgotten',
  ],
  ...[
    'fixed-window',
    'level-below-zero',
    'cost-ignored',
    'beyond-capacity',
    'dropped-fractions',
    'rounded-levels',
  ],
  ...['starts-empty', 'region-clocks', 'backward-refill'],
] as const;

/** A likely defect, by its code and as a sentence. */
export interface Reason {
  readonly reason: string;
  readonly sentence: string;
}

/** Causes of which each explains all findings, if it does. */
const MODELS: Readonly<Record<string, (trial: Trial) => Explanation | undefined>> = {
  'one-too-many': oneTooMany,
  'refill-factor': refillFactor,
  multiplied,
  'charged-denials': chargedDenials,
  forgotten: forgottenState,
  'fixed-window': fixedWindow,
};

/** What the levels or the remaining tokens of the replies show. */
export function shownReason(trial: Trial): Reason[] {
  const forks = trial.hasBursts ? { race: race(trial), 'last-write': lastWrite(trial) } : {};
  const found = Object.entries(forks).flatMap(([reason, sentence]) =>
    sentence === undefined ? [] : [{ reason, sentence }],
  );
  if (found.length > 0) return found;
  const byLevels = levelReason(trial);
  return byLevels === undefined ? [] : [{ reason: byLevels.reason, sentence: byLevels.sentence }];
}

/** The one cause that explains all findings. None if two explain them, or if the evidence for it is weak. */
export function onlyReason(trial: Trial): Reason[] {
  if (!trial.hasBursts || !trial.isSharp) return [];
  const found = Object.entries(MODELS).flatMap(([reason, explain]) => {
    const explanation = explain(trial);
    return explanation === undefined ? [] : [{ reason, ...explanation }];
  });
  const all = [...found, ...decisionRules(trial)];
  if (new Set(all.map(({ reason }) => reason)).size > 1) return [];
  const one = all.find(({ isStrong }) => isStrong);
  return one === undefined ? [] : [{ reason: one.reason, sentence: one.sentence }];
}
