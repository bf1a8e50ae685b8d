import { count, rounded, secondsText } from '../../core/units.ts';
import type { ErrorCounts } from '../../history/history.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import { headroomText, shareOf } from '../evidence/headroom-facts.ts';
import type { EvidenceRow } from '../evidence/tally.ts';
import { NO_DENIAL } from '../rows/coverage.ts';
import type { ShardFacts } from '../shards/shard.ts';
import { type Claim, isLatency } from './claim.ts';
import { formatPercent } from './claim-limit.ts';
import type { Measure } from './claim-list.ts';
import { contestedSample, exercisedSample, sidesSample } from './contested-sample.ts';
import { dishonestRowSample, dishonestSample } from './dishonest-sample.ts';
import { floorSample } from './floor-sample.ts';
import { type Sample, withDoubt } from './sample.ts';
import { isRelative, relativeSample } from './share-samples.ts';
import { droppedSample, latencySample, throughputSample } from './speed-samples.ts';
import { missingFor } from './why-no-sample.ts';

/** Measures a claim: once for the run, once for each phase of that name, or once for each shard of a bound. */
export function measureClaim(claim: Claim, facts: CheckFacts): readonly [Sample, ...Sample[]] {
  if (claim.phase === undefined) {
    const missing = missingFor(claim.measure, facts.whole, 'no request was sent');
    if (missing !== undefined) return [withoutSample(missing)];
    if (isRelative(claim)) return [relativeSample(wholeSample(claim, facts), claim, facts)];
    if (claim.unit !== 'bound') return [withDoubt(wholeSample(claim, facts), claim.measure, facts)];
    const [first, ...rest] = boundedShards(claim.measure, facts);
    return [withDoubt(first, claim.measure, facts), ...rest];
  }
  const [first, ...rest] = [...facts.phases.entries()].filter(([, { name }]) => name === claim.phase);
  if (first === undefined) {
    const names = facts.phases.map(({ name }) => name).join(', ');
    return [withoutSample(`the run has no such phase; its phases are: ${names}`)];
  }
  const sampleOf = ([at, row]: readonly [number, EvidenceRow]): Sample => {
    const missing = missingFor(claim.measure, row, 'the phase has no request');
    if (missing !== undefined) return withoutSample(missing);
    const sample = rowSample(claim, row);
    return isRelative(claim)
      ? relativeSample(sample, claim, facts, at)
      : withDoubt(sample, claim.measure, facts);
  };
  return [sampleOf(first), ...rest.map(sampleOf)];
}

function withoutSample(reason: string): Sample {
  return { about: reason, reason };
}

function wholeSample(claim: Claim, facts: CheckFacts): Sample {
  const sample = WHOLE[claim.measure];
  return sample === undefined ? rowSample(claim, facts.whole) : sample(facts, claim);
}

/** The samples of the whole run that need more than its counts. */
const WHOLE: Partial<Record<Measure, (facts: CheckFacts, claim: Claim) => Sample>> = {
  'total-excess': (facts, { measure }) => ({
    measured: facts.overAdmission.largestExcess,
    about: excessText(facts, measure),
  }),
  'worst-window': (facts, { measure }) => ({
    measured: facts.overAdmission.worst?.worstWindow ?? 0,
    about: excessText(facts, measure),
  }),
  'false-denials': denialSample,
  replay: replaySample,
  windows: windowsSample,
  admitted: floorSample,
  dishonest: dishonestSample,
  failed: ({ whole, errors }, claim) => undecidedSample('failed', claim, whole, errors),
  info: ({ whole, errors }, claim) => undecidedSample('info', claim, whole, errors),
  contested: contestedSample,
  sides: sidesSample,
  exercised: exercisedSample,
  headroom: headroomSample,
};

function rowSample(claim: Claim, row: EvidenceRow): Sample {
  const { measure } = claim;
  if (isLatency(measure)) return latencySample(measure, claim, row);
  switch (measure) {
    case 'total-excess':
      return {
        measured: row.largestExcess,
        about: `${rounded(row.largestExcess, 3)} tokens admitted by one bucket beyond an ideal one, ${rounded(row.excess, 3)} by all`,
      };
    case 'false-denials':
      if (row.judgedDenials === 0) return { about: 'no denial could be judged' };
      return {
        measured: row.falseDenials,
        about: `${row.falseDenials} of ${count(row.judgedDenials, 'denial')} judged were false`,
      };
    case 'replay':
      if (row.replayed === 0) return { about: 'no decision was replayed' };
      return { measured: row.replay, about: replayText({ replayed: row.replayed, total: row.replay }) };
    case 'dishonest':
      return dishonestRowSample(row);
    case 'info':
    case 'failed':
      return undecidedSample(measure, claim, row);
    case 'dropped':
      return droppedSample(claim, row);
    case 'throughput':
      return throughputSample(row);
    case 'worst-window':
    case 'windows':
    case 'admitted':
    case 'contested':
    case 'sides':
    case 'exercised':
    case 'headroom':
      throw new Error(`${measure} is not of a phase`); // parseClaim rejects such a claim
  }
}

/** The worst bucket of every shard with the bound of the shard: first those above their bound, then by excess. */
function boundedShards(
  measure: Measure,
  { shards, ended, unaccounted, parts }: CheckFacts,
): readonly [Sample, ...Sample[]] {
  const isWhole = ended && unaccounted === 0 && parts?.isWhole !== false;
  const isTotal = measure === 'total-excess';
  const samples = shards.map((shard) => {
    const { bucket, tokens } = isTotal ? shard.largestExcess : shard.worstWindow;
    const declared = (isTotal ? shard.bound?.totalExcess : shard.bound?.worstWindow) ?? undefined;
    const isInDoubt = !isWhole && declared !== undefined && tokens > declared;
    const bound = isInDoubt ? undefined : declared;
    const what = isTotal ? 'beyond an ideal bucket' : 'too many in its worst window';
    const where = shard.shard === '' ? '' : ` of shard ${shard.shard}`;
    const reason =
      shard.shard === '' && shard.bound === undefined
        ? 'no bound: it is not known which node decided'
        : isInDoubt
          ? `no bound: the history is incomplete, and takeovers or restarts that would raise the bound above ${rounded(declared, 3)} tokens may be missing from it`
          : whyUndeclared(shard, isTotal ? 'total excess' : 'worst window');
    const about =
      tokens === 0
        ? nothingTooMuch(measure)
        : `${bucket}${where} admitted ${rounded(tokens, 3)} tokens ${what}, the most of ${count(shard.buckets, 'bucket')}`;
    const sample = { measured: tokens, about, ...(bound === undefined ? { reason } : { bound }) };
    return { tokens, bound: bound ?? 0, sample };
  });
  const order = (shard: { tokens: number; bound: number }) => Number(shard.tokens > shard.bound);
  const [first, ...rest] = samples
    .sort((a, b) => order(b) - order(a) || b.tokens - a.tokens || b.bound - a.bound)
    .map(({ sample }) => sample);
  return first === undefined ? [{ about: 'no bucket was used' }] : [first, ...rest];
}

/** Why a bound is missing. The formula of an undeclared bound has the reason. */
function whyUndeclared({ bound }: ShardFacts, what: string): string {
  const isNothing = bound !== undefined && bound.totalExcess === null && bound.worstWindow === null;
  return isNothing ? bound.formula : `the strategy declares no bound on the ${what}`;
}

function nothingTooMuch(measure: Measure): string {
  return measure === 'worst-window'
    ? 'no window admitted more than an ideal bucket could'
    : 'no bucket admitted more than an ideal one could';
}

function excessText({ overAdmission, clock }: CheckFacts, measure: Measure): string {
  const { worst, buckets, totalExcess } = overAdmission;
  if (buckets === 0) return nothingTooMuch(measure);
  const many = `${count(buckets, 'bucket')} over-admitted`;
  if (worst === undefined) return `${many} ${rounded(totalExcess, 3)} tokens in all`;
  const { window } = worst;
  const seconds = secondsText(window.endUs - window.startUs);
  return (
    `${many}; worst window: ${worst.bucket} admitted ${window.admitted} tokens ` +
    `within ${seconds} s, where an ideal bucket admits at most ${window.allowance.toFixed(3)}${stepsText(clock)}`
  );
}

/** A clock that jumps ahead fills buckets early. The report names such steps and does not subtract them. */
function stepsText({ steps }: CheckFacts['clock']): string {
  const forward = steps.filter(({ byUs }) => byUs > 0);
  if (forward.length === 0) return '';
  return ` (the server's clock jumped ahead by ${forward.map(({ byUs }) => secondsText(byUs)).join(', ')} s)`;
}

function denialSample({ falseDenials, promise, whole }: CheckFacts, { limit }: Claim): Sample {
  const { total, buckets, judged, whyNot, certain } = falseDenials;
  const { byFailurePolicy = 0, refutable = judged, unexplained = 0 } = falseDenials;
  const others =
    byFailurePolicy === 0
      ? ''
      : `; ${count(byFailurePolicy, 'denial')} by a failure policy ${byFailurePolicy === 1 ? 'is' : 'are'} not judged: they do not depend on the shared bucket`;
  const isHidden =
    promise === 'token-bucket' && whole.outcomes.denied > 0 && Number.isFinite(limit) && whyNot !== NO_DENIAL;
  if (judged === 0) return { about: `no denial could be judged: ${whyNot}${others}`, isHidden };
  const unjudged = whyNot === '' ? '' : `; ${whyNot}`;
  if (total === 0 && refutable === 0 && unexplained > 0 && Number.isFinite(limit))
    return { about: `${noneFalse(judged, 0)}${unjudged}${others}`, isHidden: true };
  if (total === 0) return { measured: 0, about: `${noneFalse(judged, refutable)}${unjudged}${others}` };
  const about =
    `${total} of ${count(judged, 'denial')} ${total === 1 ? 'was' : 'were'} false, in ${count(buckets, 'bucket')}: ` +
    `the bucket held the cost at every moment${others}`;
  if (certain === undefined || certain === total) return { measured: total, about };
  const doubt = `requests that are missing from the history may explain ${total - certain} of them`;
  return { measured: total, least: certain, about, doubt };
}

/** The sentence for a run without false denials. Every run has a few denials that cannot be judged. */
function noneFalse(judged: number, refutable: number): string {
  const all = count(judged, 'denial');
  if (2 * refutable >= judged) return `none of ${all} was false`;
  if (refutable > 0)
    return `none of ${all} was false, and ${refutable} could have been found false: ${EXCUSED} the others`;
  return `none of ${all} could have been found false: ${EXCUSED} ${judged === 1 ? 'it' : 'them'}`;
}

const EXCUSED = 'the clock allowance, requests in flight or requests before the history can always explain';

function replaySample({ replay, parts }: CheckFacts): Sample {
  if (parts?.isWhole === false)
    return { about: 'no decision was replayed: requests of a part of the run are missing', isHidden: true };
  if (replay.replayed === 0)
    return { about: 'no decision reports the level that it left, so none was replayed' };
  return { measured: replay.total, about: replayText(replay) };
}

function windowsSample({ windows, promise }: CheckFacts): Sample {
  if (promise === 'token-bucket') return { about: 'a token bucket has no windows: leave out this claim' };
  if (windows.buckets === 0) return { measured: 0, about: `no bucket broke its promise of ${promise}` };
  const [worst] = windows.findings;
  const proof = worst === undefined ? '' : `; ${worst.bucket} ${worst.inequality}`;
  return {
    measured: windows.total,
    about: `${count(windows.buckets, 'bucket')} broke the promise of ${promise}${proof}`,
  };
}

const UNDECIDED = {
  failed: 'were not decided',
  info: 'have an unknown charge',
};

/** The share of requests that were not decided. Codes are known only for the whole run. */
function undecidedSample(
  outcome: 'failed' | 'info',
  { limit }: Claim,
  { outcomes, operations }: EvidenceRow,
  errors?: CheckFacts['errors'],
): Sample {
  const share = outcomes[outcome] / operations;
  const codes = errors === undefined ? '' : codesText(errors[outcome]);
  return {
    measured: share,
    about: `${formatPercent(share, limit)} of the requests ${UNDECIDED[outcome]}${codes}`,
  };
}

/** The most frequent codes. */
function codesText(errors: ErrorCounts): string {
  const codes = Object.entries(errors)
    .slice(0, 3)
    .map(([code, times]) => `${code} ${times} times`);
  return codes.length === 0 ? '' : `: ${codes.join(', ')}`;
}

function headroomSample({ headroom }: CheckFacts, { limit }: Claim): Sample {
  if (headroom === undefined) return { about: 'no bucket was contested, so none has a headroom' };
  const { median, largest, cause } = headroom;
  const measured = shareOf(median);
  const why = measured > limit && cause !== undefined ? `; ${cause}` : '';
  return {
    measured,
    about:
      `contested buckets could have admitted ${headroomText(median)} more (median) without being seen, ` +
      `${headroomText(largest)} at most${why}`,
  };
}

/** `12 decisions replayed, 1 mismatch`. */
export function replayText({ replayed, total }: Record<'replayed' | 'total', number>): string {
  return `${count(replayed, 'decision')} replayed, ${total} ${total === 1 ? 'mismatch' : 'mismatches'}`;
}
