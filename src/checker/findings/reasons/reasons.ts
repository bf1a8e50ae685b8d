import { chargedDenials } from './charged-denials.ts';
import { decisionRules } from './decision-rules.ts';
import { epochResets } from './epoch-resets.ts';
import { fixedWindow } from './fixed-window.ts';
import { forgottenState } from './forgotten.ts';
import { lastWrite, race } from './forks.ts';
import { levelReason } from './level-reasons.ts';
import { multiplied } from './multiplied.ts';
import { multipliedWindows } from './multiplied-windows.ts';
import { raceByTimes } from './overlaps.ts';
import { secondClock } from './second-clock.ts';
import type { Explanation, Trial } from './trial.ts';
import { oneTooMany, otherCapacity, refillFactor } from './wrong-policy.ts';

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
  'other-capacity': 'both',
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
  'epoch-resets': 'excess',
};

/** A likely defect, by its code and as a sentence. */
export interface Reason {
  readonly reason: string;
  readonly sentence: string;
}

/** Causes of which each explains all findings, if it does. */
const MODELS: Readonly<Record<string, (trial: Trial) => Explanation | undefined>> = {
  'one-too-many': oneTooMany,
  'other-capacity': otherCapacity,
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

/** Causes that admissions and denials show by their times, under any promise. */
const BY_TIMES: Readonly<Record<string, (trial: Trial, offsetUs?: number) => string | undefined>> = {
  'whole-seconds': secondClock,
  'epoch-resets': epochResets,
  race: raceByTimes,
  multiplied: multipliedWindows,
};

/** The one cause that times show. None if two do. `offsetUs`: the limiter's time of day minus the history's, if known. */
export function timeReason(trial: Trial, offsetUs: number | undefined): Reason[] {
  const found = Object.entries(BY_TIMES).flatMap(([reason, explain]) => {
    const sentence = explain(trial, offsetUs);
    return sentence === undefined ? [] : [{ reason, sentence }];
  });
  return found.length === 1 ? found : [];
}

/** The one cause that explains all findings. None if two explain them, or if the evidence for it is weak. */
export function onlyReason(trial: Trial): Reason[] {
  if (!trial.hasBursts || !trial.isSharp) return [];
  const found = Object.entries(MODELS).flatMap(([reason, explain]) => {
    const explanation = explain(trial);
    return explanation === undefined ? [] : [{ reason, ...explanation }];
  });
  const isOfCapacity = found.some(({ reason, isStrong }) => reason === 'other-capacity' && isStrong);
  const rules = decisionRules(trial).filter(({ reason }) => !isOfCapacity || reason !== 'beyond-capacity');
  const all = [...found, ...rules]; // a bucket without a capacity admits all that one of a larger capacity admits
  if (new Set(all.map(({ reason }) => reason)).size > 1) return [];
  const one = all.find(({ isStrong }) => isStrong);
  return one === undefined ? [] : [{ reason: one.reason, sentence: one.sentence }];
}
