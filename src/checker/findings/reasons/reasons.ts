import { chargedDenials } from './charged-denials.ts';
import { decisionRules } from './decision-rules.ts';
import { fixedWindow } from './fixed-window.ts';
import { forgottenState } from './forgotten.ts';
import { lastWrite, race } from './forks.ts';
import { levelReason } from './level-reasons.ts';
import { multiplied } from './multiplied.ts';
import type { Explanation, Trial } from './trial.ts';
import { oneTooMany, refillFactor } from './wrong-policy.ts';

/** What a defect leads to: tokens beyond the promise, denials against it, or both. */
type Explains = 'excess' | 'denials' | 'both';

/** Every code of a reason: stable, for programs that read a report. */
export const REASONS: Readonly<Record<string, Explains>> = {
  misread: 'both',
  'lost-decisions': 'excess',
  'empty-restart': 'excess',
  'clock-step': 'excess',
  'regions-apart': 'excess',
  'instances-apart': 'excess',
  'whole-seconds': 'both',
  race: 'excess',
  'last-write': 'excess',
  'one-too-many': 'excess',
  'refill-factor': 'both',
  multiplied: 'excess',
  'charged-denials': 'denials',
  'partial-charges': 'denials',
  forgotten: 'excess',
  'fixed-window': 'both',
  'level-below-zero': 'both',
  'cost-ignored': 'both',
  'beyond-capacity': 'excess',
  'dropped-fractions': 'denials',
  'rounded-levels': 'both',
  'starts-empty': 'denials',
  'region-clocks': 'both',
  'backward-refill': 'both',
};

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
