import { type Doubted, doubtText } from '../doubts/doubts.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import type { CorrectnessMeasure, Measure } from './claim-list.ts';

/** One measurement for a claim. */
export interface Sample {
  /** In the unit of the claim; absent if there was nothing to measure. */
  readonly measured?: number;
  /** The declared bound, for a claim on a bound. */
  readonly bound?: number;
  /** The finding as a sentence. */
  readonly about: string;
  /** What to do if the claim is broken. */
  readonly wayOut?: string;
  /** There was something to measure, but it could not be measured: the claim cannot hold. */
  readonly isHidden?: boolean;
  /** The reason for a missing measurement or bound. */
  readonly reason?: string;
  /** The lower and upper end of the measurement, if they differ from `measured`; `doubt` says why. */
  readonly least?: number;
  readonly most?: number;
  readonly doubt?: string;
}

/** Raises the upper end of a sample by the findings that requests missing from the history can explain. */
export function withDoubt(sample: Sample, measure: Measure, { doubts, unaccounted }: CheckFacts): Sample {
  const checker = DOUBTED_BY[measure];
  const doubt = checker === undefined ? undefined : doubts?.[checker];
  if (checker === undefined || doubt === undefined) return sample;
  const { measured = 0 } = sample;
  const most = measured + (checker === 'overAdmission' ? doubt.largest : doubt.total);
  const text = doubtText(checker, doubt, { isCut: unaccounted === 0 });
  return { ...sample, measured, most, doubt: sample.doubt === undefined ? text : `${sample.doubt}; ${text}` };
}

/** The sample of `admitted` has its own doubt. */
export const DOUBTED_BY: Partial<Record<Measure, Doubted>> &
  Record<Exclude<CorrectnessMeasure, 'admitted'>, Doubted> = {
  'total-excess': 'overAdmission',
  'worst-window': 'overAdmission',
  'false-denials': 'falseDenials',
  replay: 'replay',
  windows: 'windows',
  dishonest: 'dishonest',
};
