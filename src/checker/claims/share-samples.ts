import { count, rounded, secondsText } from '../../core/units.ts';
import { doubtText } from '../doubts/doubts.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import { type BucketShare, numberOf, type ShareRow, type WindowOfShare } from '../evidence/shares.ts';
import type { Claim } from './claim.ts';
import { formatMeasured } from './claim-limit.ts';
import { MEASURES, type MeasureFacts } from './claim-list.ts';
import { DOUBTED_BY, type Sample } from './sample.ts';

/** Whether a claim compares a finding with what an ideal bucket would have admitted. */
export function isRelative({ measure, unit }: Claim): boolean {
  const { kind, aboutShare }: MeasureFacts = MEASURES[measure];
  return unit === 'share' && kind === 'correctness' && aboutShare !== undefined;
}

/** A sample in shares, from the sample of the same measure in tokens or requests. `phase`: its index. */
export function relativeSample(
  sample: Sample,
  { measure }: Claim,
  facts: CheckFacts,
  phase?: number,
): Sample {
  const { shares } = facts;
  if (shares === undefined) return { about: EARLIER, isHidden: true };
  if (sample.measured === undefined) return sample;
  const row = phase === undefined ? shares.whole : shares.phases[phase];
  if (row === undefined) throw new Error('a phase has no shares'); // a bug, not an error of the user
  const { largest, certain = largest, doubtful, text } = sharesOf(measure, row, facts);
  if (largest === undefined && sample.measured > 0 && measure === 'false-denials') {
    const about = `${sample.about}; ${shares.drainable === 0 ? NOT_DRAINABLE : OF_OTHERS}`;
    if (shares.drainable === 0) return { about, isHidden: true };
    return { measured: 0, about, ...raised(0, doubtful, measure, facts) };
  }
  const measured = numberOf(largest);
  const about = largest === undefined ? sample.about : `${sample.about}; ${text(largest)}`;
  const least = numberOf(certain);
  return {
    ...{ measured, about },
    ...(least < measured && { least, doubt: sample.doubt ?? EXPLAINED }),
    ...raised(measured, doubtful, measure, facts),
  };
}

const EARLIER =
  'the report is of an earlier version and has no percentages: make the run again, or claim an amount';
const NOT_DRAINABLE = 'no ideal bucket would have admitted its capacity, so a percentage says nothing';
const OF_OTHERS = 'all in buckets in which an ideal bucket would have admitted less than its capacity';
const EXPLAINED = 'requests that are missing from the history may explain the rest';

/** The upper end, with the largest share that missing requests can explain. */
function raised(
  measured: number,
  doubtful: BucketShare | undefined,
  measure: Claim['measure'],
  { doubts, unaccounted }: CheckFacts,
): Partial<Sample> {
  const checker = DOUBTED_BY[measure];
  const doubt = checker && doubts?.[checker];
  if (numberOf(doubtful) <= measured || checker === undefined || doubt === undefined) return {};
  return { most: numberOf(doubtful), doubt: doubtText(checker, doubt, { isCut: unaccounted === 0 }) };
}

interface SharesOf {
  readonly largest: BucketShare | undefined;
  readonly certain?: BucketShare | undefined;
  readonly doubtful: BucketShare | undefined;
  readonly text: (largest: BucketShare) => string;
}

function sharesOf(measure: Claim['measure'], row: ShareRow, { shares }: CheckFacts): SharesOf {
  if (measure === 'worst-window') {
    const window = shares?.window;
    return { largest: window, doubtful: shares?.doubtfulWindow, text: () => windowText(window) };
  }
  if (measure === 'total-excess')
    return { largest: row.excess, doubtful: row.doubtfulExcess, text: excessText };
  const { falseDenials, certainDenials, doubtfulDenials } = row;
  return { largest: falseDenials, certain: certainDenials, doubtful: doubtfulDenials, text: denialText };
}

function excessText({ bucket, amount, of, share }: BucketShare): string {
  const many = tokensText(amount);
  return share === null
    ? `${many} beyond an ideal bucket, which would have admitted none (bucket ${bucket})`
    : `${many}, ${percent(share)} of the ${tokensText(of)} that an ideal bucket would have admitted (bucket ${bucket})`;
}

function windowText(window: WindowOfShare | undefined): string {
  if (window === undefined) return '';
  const { bucket, amount, of, share, startUs, endUs } = window;
  return `${tokensText(amount)} within ${secondsText(endUs - startUs)} s, ${percent(share ?? 0)} of the ${tokensText(of)} that an ideal bucket admits at most (bucket ${bucket})`;
}

function denialText({ bucket, amount, of, share }: BucketShare): string {
  return share === null
    ? `${amount} in a bucket in which an ideal bucket would have admitted no request (bucket ${bucket})`
    : `${amount}, ${percent(share)} of the ${count(of, 'request')} that an ideal bucket would have admitted (bucket ${bucket})`;
}

function tokensText(tokens: number): string {
  return `${rounded(tokens, 3)} ${tokens === 1 ? 'token' : 'tokens'}`;
}

function percent(share: number): string {
  return formatMeasured({ unit: 'share', limit: share });
}
