import { chargedDenials } from './charged-denials.ts';
import { fixedWindow } from './fixed-window.ts';
import { forgottenState } from './forgotten.ts';
import { lastWrite, race } from './forks.ts';
import { multiplied } from './multiplied.ts';
import type { Explanation, Trial } from './trial.ts';
import { oneTooMany, refillFactor } from './wrong-policy.ts';

/** Every code of a reason: stable, for programs that read a report. */
export const REASONS = [
  ...['misread', 'lost-decisions', 'empty-restart', 'clock-step', 'regions-apart', 'whole-seconds'],
  ...['race', 'last-write', 'one-too-many', 'refill-factor', 'multiplied', 'charged-denials', 'forgotten'],
  'fixed-window',
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
  const found = { race: race(trial), 'last-write': lastWrite(trial) };
  return Object.entries(found).flatMap(([reason, sentence]) =>
    sentence === undefined ? [] : [{ reason, sentence }],
  );
}

/** The one cause that explains all findings. None if two explain them, or if the evidence for it is weak. */
export function onlyReason(trial: Trial): Reason[] {
  if (!trial.isSharp) return [];
  const found = Object.entries(MODELS).flatMap(([reason, explain]) => {
    const explanation = explain(trial);
    return explanation === undefined ? [] : [{ reason, ...explanation }];
  });
  const [one] = found;
  return one === undefined || found.length > 1 || !one.isStrong
    ? []
    : [{ reason: one.reason, sentence: one.sentence }];
}
