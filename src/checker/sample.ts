import type { Measure } from './claim.ts';
import { type Doubted, doubtText } from './doubts.ts';
import type { CheckFacts } from './facts.ts';

/** One measurement that a claim is held against. */
export interface Sample {
  /** In the unit of the claim; absent where there was nothing to measure. */
  readonly measured?: number;
  /** What was declared, where a bound is claimed. */
  readonly bound?: number;
  /** What was found, as a sentence. */
  readonly about: string;
  /** There is something to measure, and it could not be: the claim holds in no case. */
  readonly isHidden?: boolean;
  /** Why there is no measurement, or no bound. */
  readonly whyNot?: string;
  /** What was measured at least, and what it may have been at most, where that is not the same; `doubt` says why. */
  readonly least?: number;
  readonly most?: number;
  readonly doubt?: string;
}

/** Adds to a sample what requests that are not in the history can explain: by so much more it may be broken. */
export function withDoubt(sample: Sample, measure: Measure, { doubts, unaccounted }: CheckFacts): Sample {
  const checker = DOUBTED_BY[measure];
  const doubt = checker === undefined ? undefined : doubts?.[checker];
  if (checker === undefined || doubt === undefined) return sample;
  const { measured = 0 } = sample;
  const most = measured + (checker === 'overAdmission' ? doubt.largest : doubt.total);
  const text = doubtText(checker, doubt, { isCut: unaccounted === 0 });
  return { ...sample, measured, most, doubt: sample.doubt === undefined ? text : `${sample.doubt}; ${text}` };
}

const DOUBTED_BY: Partial<Record<Measure, Doubted>> = {
  'total-excess': 'overAdmission',
  'worst-window': 'overAdmission',
  'false-denials': 'falseDenials',
  replay: 'replay',
  windows: 'windows',
};
